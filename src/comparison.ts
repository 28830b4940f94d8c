/** Sets evaluations of several models beside each other, with paired differences where they saw the same images. */
import { SelfgradError } from './errors.ts';
import type { Evaluation, Rate, Warning } from './evaluation.ts';
import { type Difference, pairedDifference } from './interval.ts';

export interface ComparedRun {
  /** How the run is called in the table; unique. */
  name: string;
  evaluation: Evaluation;
}

export interface ComparisonRow {
  name: string;
  strategy: string | null;
  architecture: string;
  parameters: number;
  clean: Rate;
  /** Worst case per image over all attacks of that evaluation. */
  robust: Rate;
  attacks: { name: string; robust: Rate }[];
  /** To the first row; null for the first itself, and where the two saw other images. */
  cleanDifference: Difference | null;
  robustDifference: Difference | null;
}

export interface Comparison {
  schema: 'selfgrad.comparison/1';
  data: Evaluation['data'];
  threat: Evaluation['threat'];
  rows: ComparisonRow[];
  warnings: Warning[];
}

const sameImages = (a: Evaluation, b: Evaluation) =>
  a.data.sha256 === b.data.sha256 &&
  a.images.first === b.images.first &&
  a.images.brokenBy.length === b.images.brokenBy.length;

/** The attacks as text, to be compared. */
const attacksOf = ({ attacks }: Evaluation) =>
  JSON.stringify(
    attacks.map(({ name, options, source }) => [name, options, source?.architecture, source?.sha256]),
  );

/** Per image 1 where it counts, else 0. */
const clean = ({ images }: Evaluation) => images.brokenBy.map((by) => by !== -2);
const robust = ({ images }: Evaluation) => images.brokenBy.map((by) => by === -1);

function warningsOf(first: ComparedRun, runs: readonly ComparedRun[]): Warning[] {
  const named = (test: (evaluation: Evaluation) => boolean) =>
    runs.filter(({ evaluation }) => test(evaluation)).map(({ name }) => name);
  const differences: [what: string, runs: string[]][] = [
    ['on other images', named((one) => !sameImages(one, first.evaluation))],
    [
      'under another threat model',
      named(({ threat: { norm, eps } }) => {
        const { threat } = first.evaluation;
        return norm !== threat.norm || eps !== threat.eps;
      }),
    ],
    ['with other attacks', named((one) => attacksOf(one) !== attacksOf(first.evaluation))],
  ];
  return differences
    .filter(([, names]) => names.length > 0)
    .map(([what, names]) => ({
      code: 'W_COMPARE',
      message: `${names.join(', ')}: evaluated ${what} than ${first.name}, so robust accuracies do not compare.`,
    }));
}

/**
 * Compares evaluations. Differences are taken to the first, image by image, with 95 % intervals for the draw of the
 * images: two rates whose own intervals overlap may well differ, and often do.
 *
 * @throws SelfgradError `ERR_OPTION` for fewer than two runs
 */
export function compare(runs: readonly ComparedRun[]): Comparison {
  const [first, ...others] = runs;
  if (first === undefined || others.length === 0) {
    throw new SelfgradError(
      'ERR_OPTION',
      `Expected at least two runs to compare but received ${runs.length}.`,
    );
  }
  const rows = runs.map(({ name, evaluation }): ComparisonRow => {
    const paired = evaluation !== first.evaluation && sameImages(evaluation, first.evaluation);
    const { model } = evaluation;
    return {
      name,
      strategy: model.strategy,
      architecture: model.architecture,
      parameters: model.parameters,
      clean: evaluation.clean,
      robust: evaluation.robust,
      attacks: evaluation.attacks.map((attack) => ({ name: attack.name, robust: attack.robust })),
      cleanDifference: paired ? pairedDifference(clean(evaluation), clean(first.evaluation)) : null,
      robustDifference: paired ? pairedDifference(robust(evaluation), robust(first.evaluation)) : null,
    };
  });
  const { data, threat } = first.evaluation;
  return { schema: 'selfgrad.comparison/1', data, threat, rows, warnings: warningsOf(first, others) };
}
