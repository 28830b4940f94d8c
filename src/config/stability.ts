/** What a stability analysis computes. */
import type { z } from 'zod';
import { fraction } from './fraction.ts';
import { integer, list, number, section } from './option.ts';

export interface CertifyConfig {
  /** The first images of the test split. */
  count: number;
  /** Steps of the search for each image's certified radius. */
  bisections: number;
  /** Layers of at most this many values get linear bounds of their own. */
  refine: number;
}

export interface StabilityConfig {
  /** The first images of the test split; null takes all. */
  count: number | null;
  batchSize: number;
  /** Steps of PGD from each image. */
  steps: number;
  /** Its step size in pixel units; null takes eps / 4. */
  alpha: number | null;
  /** Steps of the power iteration. */
  iterations: number;
  /** Uniform points at which the linearity error is measured, besides those of PGD. */
  randomPoints: number;
  /** Multiples of a perturbation of size eps at which the loss profile is taken. */
  multiples: number[];
  /** The certified bound; null computes none. */
  certify: CertifyConfig | null;
}

/** `StabilityConfig` as a user writes it: every field has a default. */
export interface StabilityInput extends Partial<Omit<StabilityConfig, 'alpha' | 'certify'>> {
  /** A number or a fraction. Defaults to null: eps / 4. */
  alpha?: number | string | null;
  /** Defaults to 100 images, 10 bisections, refine 512. */
  certify?: Partial<CertifyConfig> | null;
}

const certifySchema = section('The certified bound; null computes none.', {
  count: integer({ description: 'The first images of the test split.', gte: 1 }).prefault(100),
  bisections: integer({
    description: "Steps of the search for each image's certified radius.",
    gte: 0,
    lte: 40,
  }).prefault(10),
  refine: integer({
    description:
      'Layers of at most this many values get linear bounds of their own: tighter, at a cost that grows with its square.',
    gte: 0,
  }).prefault(512),
}) satisfies z.ZodType<CertifyConfig>;

/** @internal */
export const stabilitySchema = section('What a stability analysis computes.', {
  count: integer({ description: 'The first images of the test split; null takes all.', gte: 1 })
    .nullable()
    .prefault(500),
  batchSize: integer({ description: 'Images per batch; results do not depend on it.', gte: 1 }).prefault(100),
  steps: integer({ description: 'Steps of PGD from each image.', gte: 1 }).prefault(10),
  alpha: fraction({ description: 'Step size of PGD, pixels in [0, 1]; null takes eps / 4.', gt: 0 })
    .nullable()
    .prefault(null),
  iterations: integer({ description: 'Steps of the power iteration.', gte: 0 }).prefault(20),
  randomPoints: integer({
    description: 'Uniform points at which the linearity error is measured, besides those of PGD.',
    gte: 0,
    lte: 10_000,
  }).prefault(4),
  multiples: list(number({ description: 'Multiple of eps.', gte: 0 }), {
    description: 'Multiples of a perturbation of size eps at which the loss profile is taken.',
    expected: 'a list of ascending multiples',
    length: [1],
    holds: (multiples) => multiples.every((k, i) => i === 0 || k > multiples[i - 1]!),
  }).prefault([0, 0.25, 0.5, 0.75, 1, 1.5, 2]),
  certify: certifySchema.nullable().prefault({}),
}) satisfies z.ZodType<StabilityConfig>;
