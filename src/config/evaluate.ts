/** What an evaluation runs. */
import type { z } from 'zod';
import { type ListedAttack, type ListedAttackInput, listedAttackSchema } from './attacks/attack.ts';
import { type Fraction, fraction } from './fraction.ts';
import { flag, integer, list, section, sentence, text } from './option.ts';
import type { Threat } from './threat.ts';

export interface EpsCurveConfig {
  /** Radii in pixel units, ascending; null takes shares and multiples of the threat model's eps. */
  points: number[] | null;
  /** The first images of the test split. */
  count: number;
}

export interface EvaluateConfig {
  attacks: ListedAttack[];
  /** The first images of the test split; null takes all. */
  count: number | null;
  /** `2/4`: of those images the second quarter; null takes all. */
  shard: string | null;
  /** Images after which an evaluation that can be resumed saves what it has. */
  saveEvery: number;
  batchSize: number;
  /** An attack sees only what earlier attacks left standing; the attacks of AutoAttack always do among themselves. */
  cascade: boolean;
  /** Adversarial images to keep for the report. */
  examples: number;
  /** Robust accuracy against eps under the first attack (of AutoAttack, its first); null for none. */
  epsCurve: EpsCurveConfig | null;
}

/** `EvaluateConfig` as a user writes it: every field has a default, a bare name stands for an attack. */
export interface EvaluateInput extends Partial<Omit<EvaluateConfig, 'attacks' | 'epsCurve'>> {
  /** A list, or one entry alone. Defaults to PGD-20 and CW-20 for `linf`, PGD-20 and CW-L2 for `l2`, APGD-CE for `l1`. */
  attacks?: ListedAttackInput[] | ListedAttackInput | null;
  epsCurve?: { points?: Fraction[] | null; count?: number } | null;
}

function isShard(shard: string): boolean {
  const [index, of] = shard.split('/').map(Number) as [number, number];
  return index <= of;
}

/** @internal */
export const epsCurveSchema = section('Robust accuracy against eps under the first attack; null for none.', {
  points: list(fraction({ description: 'Radius.', gte: 0 }), {
    description: "Radii, ascending; null takes shares and multiples of the threat model's eps.",
    expected: 'a list of ascending radii',
    length: [1],
    holds: (points) => points.every((eps, i) => i === 0 || eps > points[i - 1]!),
  })
    .nullable()
    .prefault(null),
  count: integer({ description: 'The first images of the test split.', gte: 1 }).prefault(500),
}) satisfies z.ZodType<EpsCurveConfig>;

/** @internal `attacks` may be null here: what that stands for depends on the threat model. */
export const evaluateSchema = section('What an evaluation runs.', {
  attacks: list(listedAttackSchema, {
    description:
      'Attacks to run; null takes PGD-20 and CW-20 for linf, PGD-20 and CW-L2 for l2, APGD-CE for l1.',
    expected: 'a list of attacks',
    length: [1],
  })
    .nullable()
    .prefault(null),
  count: integer({ description: 'The first images of the test split; null takes all.', gte: 1 })
    .nullable()
    .prefault(null),
  shard: text({
    description: 'Of these images the i-th of n parts; null takes all.',
    expected: 'i/n with 1 <= i <= n, e.g. 2/4',
    pattern: /^[1-9]\d{0,5}\/[1-9]\d{0,5}$/,
  })
    .refine(isShard, {
      error: ({ input }) => sentence('i/n with 1 <= i <= n, e.g. 2/4', 'evaluate.shard', input),
    })
    .nullable()
    .prefault(null),
  saveEvery: integer({
    description: 'Images after which an evaluation that can be resumed saves what it has.',
    gte: 1,
  }).prefault(1000),
  batchSize: integer({ description: 'Images per batch; results do not depend on it.', gte: 1 }).prefault(200),
  cascade: flag({ description: 'An attack sees only what earlier attacks left standing.' }).prefault(false),
  examples: integer({
    description: 'Adversarial images to keep for the report.',
    gte: 0,
    lte: 1000,
  }).prefault(12),
  epsCurve: epsCurveSchema.nullable().prefault({}),
}) satisfies z.ZodType<Omit<EvaluateConfig, 'attacks'> & { attacks: ListedAttack[] | null }>;

/** The radii of an eps curve: those given, else 0, fractions and multiples of eps up to where nothing survives. */
export function epsPoints(curve: EpsCurveConfig, threat: Threat): number[] {
  if (curve.points) return curve.points;
  const points = [0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4].map((share) => share * threat.eps);
  return threat.norm === 'linf' ? points.filter((eps) => eps <= 1) : points;
}
