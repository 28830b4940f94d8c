/** What a reader of an evaluation must know before believing it. */
import { formatEps } from '../config/fraction.ts';
import type { Threat } from '../config/threat.ts';
import type { Evaluation, Rate, Warning } from '../evaluation.ts';

/** @param trained the threat model of training, e.g. `linf 8/255`; undefined when it is not known */
export function threatWarning(trained: string | undefined, threat: Threat): Warning[] {
  const tested = `${threat.norm} ${formatEps(threat.eps)}`;
  if (trained === undefined || trained === tested) return [];
  return [
    {
      code: 'W_THREAT',
      message: `The model was trained against ${trained} and is evaluated against ${tested}.`,
    },
  ];
}

function chanceWarning(clean: Rate, classes: number): Warning[] {
  const chance = 1 / classes;
  if (clean.rate >= 1.5 * chance) return [];
  return [
    {
      code: 'W_CHANCE',
      message: `Clean accuracy is near chance (${(100 * chance).toFixed(0)} %): robust accuracy means little here.`,
    },
  ];
}

/** AutoAttack's own alarm; one image alone is no evidence, however few were looked at. */
function squareWarning({ attacks, suites, clean }: Counts): Warning[] {
  return suites.flatMap((suite): Warning[] => {
    const [, ...later] = suite.attacks.map((place) => attacks[place]!);
    const square = later.find(({ name }) => name === 'square');
    if (square === undefined || square.broken < 2 || square.broken / clean.count <= 0.002) return [];
    return [
      {
        code: 'W_SQUARE',
        message: `Square, which needs no gradient, broke ${square.broken} images that the attacks before it left: gradients may be masked.`,
      },
    ];
  });
}

type Counts = Pick<Evaluation, 'clean' | 'attacks' | 'suites'>;

/** Codes of the warnings that `countWarnings` gives. */
export const countCodes: readonly string[] = ['W_CHANCE', 'W_SQUARE'];

/** What the counts of an evaluation, or of several parts together, say. */
export function countWarnings(counts: Counts, classes: number): Warning[] {
  return [...chanceWarning(counts.clean, classes), ...squareWarning(counts)];
}
