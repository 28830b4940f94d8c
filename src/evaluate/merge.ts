/** Joins evaluations of parts of one set into that of the whole. */
import { distribution } from '../distribution.ts';
import { SelfgradError } from '../errors.ts';
import type { AdversarialExample, AttackResult, Evaluation, SuiteResult } from '../evaluation.ts';
import { sumPasses, sumRates, total } from './sums.ts';
import { countCodes, countWarnings } from './warnings.ts';

/** What parts of one evaluation have in common. */
function identity(evaluation: Evaluation): string {
  const { model, data, threat, seed, attacks, suites, perClass, epsCurve, versions } = evaluation;
  const { path: _, ...network } = model;
  const { count: __, ...images } = data;
  return JSON.stringify([
    network,
    images,
    threat,
    seed,
    attacks.map(({ name, options, source }) => [name, options, source?.architecture, source?.sha256]),
    suites.map((suite) => [suite.name, suite.attacks]),
    perClass.length,
    evaluation.images.total,
    epsCurve && [epsCurve.attack, epsCurve.points.map(({ eps }) => eps)],
    versions.selfgrad,
  ]);
}

function refuse(expected: string, received: string, fix: string): never {
  throw new SelfgradError('ERR_OPTION', `Expected ${expected} but received ${received}.`, { fix });
}

/** In order of their images, all of one evaluation. */
function inOrder(parts: readonly Evaluation[]): Evaluation[] {
  const sorted = [...parts].sort((a, b) => a.images.first - b.images.first);
  const other = sorted.find((part) => identity(part) !== identity(sorted[0]!));
  if (other !== undefined) {
    refuse(
      'parts of one evaluation',
      `parts that differ in model, data, threat, seed, attacks, count of images or version (images from ${sorted[0]!.images.first} and from ${other.images.first} on)`,
      'Evaluate each shard with the same command and another --shard.',
    );
  }
  return sorted;
}

const once = 'Give every shard once.';

/** Refuses parts, in order, that do not hold each of the images `first` … `end - 1` once. */
function checkRange(sorted: readonly Evaluation[], first: number, end: number): void {
  const missing: string[] = [];
  const pass = (from: number, to: number) => from < to && missing.push(`${from} to ${to - 1}`);
  let next = first;
  for (const { images } of sorted) {
    if (images.first < next) {
      refuse('every image in one part', `image ${images.first} in two parts`, once);
    }
    pass(next, images.first);
    next = images.first + images.brokenBy.length;
  }
  pass(next, end);
  if (missing.length > 0) {
    refuse(`parts with all ${end - first} images`, `none with images ${missing.join(' and ')}`, once);
  }
}

/** What an attack and a suite of attacks have in common. */
function mergeCounts<T extends SuiteResult | AttackResult>(parts: readonly T[]): T {
  return {
    ...parts[0]!,
    robust: sumRates(parts.map(({ robust }) => robust)),
    attacked: total(parts.map(({ attacked }) => attacked)),
    broken: total(parts.map(({ broken }) => broken)),
    passes: sumPasses(parts.map(({ passes }) => passes)),
    seconds: total(parts.map(({ seconds }) => seconds)),
  };
}

function mergeAttack(parts: readonly AttackResult[]): AttackResult {
  const distances = parts.flatMap((part) => part.distances);
  const sources = parts.flatMap(({ source }) => source ?? []);
  return {
    ...mergeCounts(parts),
    distances,
    medianDistance: distribution(distances).median,
    ...(sources.length > 0 && {
      source: { ...sources[0]!, passes: sumPasses(sources.map(({ passes }) => passes)) },
    }),
  };
}

function mergeCurve(curves: readonly Evaluation['epsCurve'][]): Evaluation['epsCurve'] {
  const given = curves.filter((curve) => curve !== null);
  if (given.length === 0) return null;
  return {
    ...given[0]!,
    count: total(given.map(({ count }) => count)),
    points: given[0]!.points.map((point, i) => ({
      ...point,
      robust: sumRates(given.map(({ points }) => points[i]!.robust)),
    })),
  };
}

/** One example of each attack in turn, the lowest index first, as many as the largest part has. */
function chooseExamples(parts: readonly Evaluation[]): AdversarialExample[] {
  const names = new Set(parts[0]!.attacks.map(({ name }) => name));
  const queues = [...names].map((name) =>
    parts.flatMap(({ examples }) => examples.filter(({ attack }) => attack === name)),
  );
  const most = Math.max(...parts.map(({ examples }) => examples.length));
  const chosen: AdversarialExample[] = [];
  while (chosen.length < most && queues.some((queue) => queue.length > 0)) {
    for (const queue of queues) {
      const next = queue.shift();
      if (next !== undefined && chosen.length < most) chosen.push(next);
    }
  }
  return chosen;
}

/** What every image came to, one value an image. */
function mergeImages(parts: readonly Evaluation[]): Evaluation['images'] {
  return {
    ...parts[0]!.images,
    predictions: parts.flatMap(({ images }) => images.predictions),
    brokenBy: parts.flatMap(({ images }) => images.brokenBy),
    steps: parts.flatMap(({ images }) => images.steps),
    margins: parts.flatMap(({ images }) => images.margins),
  };
}

/**
 * The evaluation of a whole set from those of all its shards, in any order. Counts, passes and seconds are added, rates
 * and intervals taken anew: the numbers are those of one run over all images.
 *
 * @throws SelfgradError `ERR_OPTION` when there is no part, when parts differ in more than their images, when an image
 *   of the whole is missing or is there twice
 */
export function mergeEvaluations(parts: readonly Evaluation[]): Evaluation {
  if (parts.length === 0) refuse('at least one evaluation', 'none', 'Give the evaluation of each shard.');
  const sorted = inOrder(parts);
  checkRange(sorted, 0, sorted[0]!.images.total);
  return join(sorted);
}

/** @internal The evaluation of a range of images from those of its pieces, in order and without a gap. */
export function join(sorted: readonly Evaluation[]): Evaluation {
  const first = sorted[0]!;
  const clean = sumRates(sorted.map((part) => part.clean));
  const attacks = first.attacks.map((_, i) => mergeAttack(sorted.map((part) => part.attacks[i]!)));
  const suites = first.suites.map((_, i) => mergeCounts(sorted.map((part) => part.suites[i]!)));
  return {
    ...first,
    createdAt: sorted
      .map(({ createdAt }) => createdAt)
      .sort()
      .at(-1)!,
    data: { ...first.data, count: clean.count },
    clean,
    attacks,
    suites,
    robust: sumRates(sorted.map(({ robust }) => robust)),
    passes: sumPasses(sorted.map(({ passes }) => passes)),
    seconds: total(sorted.map(({ seconds }) => seconds)),
    perClass: first.perClass.map(({ label }, i) => ({
      label,
      clean: sumRates(sorted.map(({ perClass }) => perClass[i]!.clean)),
      robust: sumRates(sorted.map(({ perClass }) => perClass[i]!.robust)),
    })),
    epsCurve: mergeCurve(sorted.map(({ epsCurve }) => epsCurve)),
    examples: chooseExamples(sorted),
    images: mergeImages(sorted),
    warnings: [
      ...first.warnings.filter(({ code }) => !countCodes.includes(code)),
      ...countWarnings({ clean, attacks, suites }, first.data.classes.length),
    ],
  };
}
