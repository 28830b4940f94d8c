/** Measures clean and robust accuracy of a model. */
import { join, resolve } from 'node:path';
import { checkClasses } from './config/attacks/apgd.ts';
import { square } from './config/attacks/square.ts';
import { targetOf } from './config/attacks/target.ts';
import { type EpsCurveConfig, type EvaluateInput, epsPoints } from './config/evaluate.ts';
import { formatEps } from './config/fraction.ts';
import type { Threat } from './config/threat.ts';
import type { Dataset } from './data/dataset.ts';
import { distribution } from './distribution.ts';
import { SelfgradError } from './errors.ts';
import { type ImagesDocument, openImageFolder, partName } from './evaluate/imageFolder.ts';
import { join as joinParts } from './evaluate/merge.ts';
import { PartialEvaluation } from './evaluate/partial.ts';
import { type ImageRange, parseShard, shardRange, splitRange } from './evaluate/ranges.ts';
import { suitesOf } from './evaluate/suites.ts';
import { sumRates } from './evaluate/sums.ts';
import { countWarnings, threatWarning } from './evaluate/warnings.ts';
import type { AttackResult, EvaluateEvent, Evaluation } from './evaluation.ts';
import { checkGradients } from './functionModel.ts';
import { rate } from './interval.ts';
import {
  type Measurement,
  type MeasurementOptions,
  measurementRecord,
  prepareMeasurement,
} from './measurement.ts';
import type { Model } from './model.ts';
import { awaitRun } from './native/awaitRun.ts';
import { loadBinding } from './native/load.ts';
import type {
  NativeAttackOptions,
  NativeEvaluateEvent,
  NativeEvaluateResult,
} from './native/measureBinding.ts';
import { writeAtomic } from './report/writeAtomic.ts';
import { saveImages } from './savedImages.ts';
import { AttackSources, type ChosenAttackInput, takeModels } from './transfer.ts';

export interface EvaluateOptions extends Omit<EvaluateInput, 'attacks'>, MeasurementOptions<EvaluateEvent> {
  /**
   * A list, or one entry alone. Defaults to PGD-20 and CW-20 for `linf`, PGD-20 and CW-L2 for `l2`, APGD-CE for `l1`, and
   * for a model that is a function to `square`.
   */
  attacks?: ChosenAttackInput[] | ChosenAttackInput | null;
  /**
   * A file that keeps finished parts of `saveEvery` images: an evaluation that was killed goes on from there when it is
   * started again with the same options, and gives the numbers that it would have given. It is removed at the end.
   * Defaults to null: the images are evaluated in one go.
   */
  partial?: string | null;
  /**
   * A folder for the adversarial images, one of each image that was broken, by the first attack that broke it. A part
   * (`partial`), or the whole, becomes `adversarial-FIRST-LAST.safetensors`: `images` (M·C·H·W float32), `originals`
   * (uint8), `labels`, `indices` and `attacks` (place in `Evaluation.attacks`); and `adversarial-FIRST-LAST.json`
   * (`ImagesDocument`), which says of each whether it is still misclassified when its PNG is read. Images of 1 or 3
   * channels become PNGs. Shards may share a folder. Defaults to null: none.
   */
  saveImages?: string | null;
}

/**
 * Clean accuracy, accuracy under each attack, and the worst case per image over all of them. AutoAttack, alone or in a
 * list, runs as a cascade, each of its attacks on what the ones before left standing. An image that is
 * misclassified already is not attacked, one that is broken is attacked no more; every success is confirmed by a
 * forward pass in float32, and the count is taken from the adversarial images themselves. A model that selfgrad did not
 * make is looked at first (docs/models.md); these passes are not counted.
 *
 * @throws SelfgradError `ERR_OPTION`, also for a gradient attack on a function; `ERR_DATA` when the data do not fit
 *   the model; `ERR_NUMERIC` for logits that are not finite; `ERR_CHECKPOINT` when `partial` belongs to another
 *   evaluation; `ERR_WRITE`
 */
export async function evaluate(
  model: Model,
  data: Dataset,
  { partial = null, saveImages: images = null, ...options }: EvaluateOptions = {},
): Promise<Evaluation> {
  const chosen = options.attacks ?? (model.origin === 'function' ? [square()] : null);
  const given = chosen && takeModels(Array.isArray(chosen) ? chosen : [chosen]);
  const measurement = prepareMeasurement('evaluate', model, data, {
    epsCurve: null,
    ...options,
    attacks: given?.attacks,
  });
  const { attacks } = measurement.config.evaluate;
  checkGradients(model, attacks);
  const { shard } = measurement.config.evaluate;
  const range = shardRange(shard === null ? null : parseShard(shard), measurement.count);
  if (range.count === 0) {
    throw new SelfgradError(
      'ERR_OPTION',
      `Expected at most ${measurement.count} shards (the images to evaluate) for evaluate.shard but received ${shard}.`,
    );
  }
  const folder = images === null ? null : resolve(images);
  using sources = await AttackSources.open(
    attacks,
    given?.models ?? [],
    model,
    attacks.map((_, i) => `evaluate.attacks[${i}]`),
  );
  sources.to(measurement.device);
  if (partial !== null) return await evaluateInParts(measurement, sources, range, partial, folder);
  if (folder !== null) await openImageFolder(folder, range, []);
  return await evaluateRange(measurement, sources, range, options.onEvent, folder);
}

/** Part by part, each kept in the file `path` as soon as it is finished. */
async function evaluateInParts(
  measurement: Measurement<EvaluateEvent>,
  sources: AttackSources,
  range: ImageRange,
  path: string,
  folder: string | null,
): Promise<Evaluation> {
  const { onEvent } = measurement;
  const { batchSize: _, ...evaluated } = measurement.config.evaluate;
  const { threat, seed, data, model, versions } = measurementRecord(measurement);
  const identity = JSON.stringify({
    evaluated,
    sources: sources.records,
    threat,
    seed,
    data,
    model,
    folder,
    version: versions.selfgrad,
  });
  const parts = splitRange(range, evaluated.saveEvery);
  const saved = await PartialEvaluation.open(path, identity);
  if (folder !== null) await openImageFolder(folder, range, saved.resumed ? parts.map(partName) : []);
  // Those so far, of which a resumed evaluation may have had more.
  const finished: Evaluation[] = [];
  for (const part of parts) {
    if (!saved.done.has(part.first)) {
      // Of several parts, each would tell its own clean accuracy and end of attacks.
      const tell =
        parts.length === 1 ? onEvent : (event: EvaluateEvent) => event.type === 'attack' && onEvent?.(event);
      await saved.add(await evaluateRange(measurement, sources, part, tell, folder));
    }
    finished.push(saved.done.get(part.first)!);
    if (parts.length > 1) {
      const clean = sumRates(finished.map((one) => one.clean));
      const robust = sumRates(finished.map((one) => one.robust));
      onEvent?.({ type: 'part', done: clean.count, count: range.count, clean, robust });
    }
  }
  const whole = joinParts(finished);
  await saved.remove();
  return whole;
}

/** The images of a range in one go. */
async function evaluateRange(
  measurement: Measurement<EvaluateEvent>,
  sources: AttackSources,
  range: ImageRange,
  onEvent: EvaluateOptions['onEvent'],
  folder: string | null,
): Promise<Evaluation> {
  const { model, data, config, threads, signal } = measurement;
  const { threat, seed } = config;
  const { attacks, batchSize, cascade, examples, epsCurve: curve } = config.evaluate;
  const { first, count } = range;
  const run = (
    list: NativeAttackOptions[],
    chained: boolean[],
    images: number,
    keep: number,
    tell: EvaluateOptions['onEvent'],
    tensors = '',
  ) =>
    awaitRun<NativeEvaluateResult, NativeEvaluateEvent>(
      (observe) =>
        loadBinding().evaluate(
          {
            model: model.native,
            data: data.native,
            first,
            count: images,
            batchSize,
            seed,
            threads,
            attacks: list,
            cascade: chained,
            examples: keep,
            images: tensors,
            imagesMetadata: tensors === '' ? {} : imagesMetadata(measurement, list),
          },
          observe,
        ),
      { signal, onEvent: tell },
    );
  const started = performance.now();
  // Those of a whole evaluation come from its first part.
  const warnings = first === 0 ? await sources.check(model, data, { count, threads, signal }) : [];
  const entries = attacks.map((attack, i) => sources.native(attack, i, threat, `evaluate.attacks[${i}]`));
  const native = entries.flat();
  checkClasses(native, model.options.classes);
  const chained = entries.flatMap((parts) => parts.map((_, part) => cascade || part > 0));
  const tensors = folder === null ? '' : join(folder, `${partName(range)}.safetensors`);
  const result = await run(native, chained, count, examples, onEvent, tensors);
  const clean = rate(result.clean, count);
  const epsCurve =
    curve === null
      ? null
      : await runCurve(curve, native[0]!, threat, range, (attack, n) =>
          run([attack], [false], n, 0, undefined),
        );
  const sourceOf = entries.flatMap((parts, i) => parts.map(() => sources.records[i]!));
  const outcomes = result.attacks.map(
    ({ sourcePasses, ...outcome }, i): AttackResult => ({
      ...outcome,
      options: describe(native[i]!),
      robust: rate(outcome.robust, count),
      medianDistance: distribution(outcome.distances).median,
      ...(sourceOf[i] && { source: { ...sourceOf[i], passes: sourcePasses } }),
    }),
  );
  const suites = suitesOf(attacks, outcomes);
  const record = measurementRecord(measurement);
  const seconds = (performance.now() - started) / 1000;
  if (folder !== null) await savePart(folder, measurement, range, native, result);
  return {
    schema: 'selfgrad.evaluation/2',
    ...record,
    data: { ...record.data, count },
    clean,
    attacks: outcomes,
    suites,
    robust: rate(result.robust, count),
    passes: result.passes,
    seconds,
    perClass: perClass(result, data.classes.length),
    epsCurve,
    examples: result.examples.map((example) => ({
      ...example,
      attack: result.attacks[example.attack]!.name,
      image: [...example.image],
      adversarial: [...example.adversarial],
      gradient: example.gradient && [...example.gradient],
    })),
    images: {
      first,
      total: measurement.count,
      predictions: [...result.predictions],
      brokenBy: [...result.brokenBy],
      steps: Array.from(result.steps, (step) => (step < 0 ? null : step)),
      margins: result.margins.map((margin) => (Number.isNaN(margin) ? null : Number(margin.toPrecision(6)))),
    },
    warnings: [
      ...warnings,
      ...(first === 0 ? data.warnings : []),
      ...threatWarning(model.metadata.threat, threat),
      ...countWarnings({ clean, attacks: outcomes, suites }, data.classes.length),
    ],
    command: null,
  };
}

/** What the tensor file of a part says of itself. */
function imagesMetadata(
  measurement: Measurement<EvaluateEvent>,
  attacks: readonly NativeAttackOptions[],
): Record<string, string> {
  const { data, threat, seed } = measurementRecord(measurement);
  return {
    format: 'selfgrad.images/1',
    data: `${data.name} ${data.split}`,
    'data.classes': JSON.stringify(data.classes),
    threat: `${threat.norm} ${threat.epsText}`,
    seed: String(seed),
    attacks: JSON.stringify(attacks.map(({ name }) => name)),
  };
}

/** Writes PNGs and document of a part whose tensors are written. */
async function savePart(
  folder: string,
  measurement: Measurement<EvaluateEvent>,
  range: ImageRange,
  attacks: readonly NativeAttackOptions[],
  { brokenBy, predictions, adversarial }: NativeEvaluateResult,
): Promise<void> {
  const { model, data, threads, signal } = measurement;
  const broken = [...brokenBy.keys()].filter((place) => brokenBy[place]! >= 0);
  const indices = Int32Array.from(broken, (place) => range.first + place);
  const { images: originals, labels } = data.native.images({ indices });
  const attackOf = (i: number) => attacks[brokenBy[broken[i]!]!]!;
  const saved = await saveImages(
    folder,
    model,
    data.classes,
    {
      indices,
      labels,
      originals,
      adversarial: adversarial!,
      cleanPredictions: broken.map((place) => predictions[place]!),
      shape: data.shape,
      targeted: (i) => targetOf(attackOf(i)) !== null,
    },
    { threads, signal },
  );
  const name = partName(range);
  const record = measurementRecord(measurement);
  const document: ImagesDocument = {
    schema: 'selfgrad.images/1',
    model: { path: model.path, sha256: model.sha256 },
    data: { name: record.data.name, split: record.data.split },
    threat: record.threat,
    seed: record.seed,
    first: range.first,
    count: range.count,
    tensors: `${name}.safetensors`,
    images: saved.map((image, i) => ({ ...image, attack: attackOf(i).name })),
  };
  await writeAtomic(join(folder, `${name}.json`), `${JSON.stringify(document, null, 2)}\n`);
}

/** The options that the attack used, for the record. */
function describe({
  name,
  source: _,
  ...options
}: NativeAttackOptions): Record<string, number | string | boolean> {
  const used: Record<Exclude<NativeAttackOptions['name'], 'transfer'>, readonly (keyof typeof options)[]> = {
    random: ['norm', 'eps', 'restarts'],
    fgsm: ['norm', 'eps', 'eot', 'precision'],
    pgd: ['norm', 'eps', 'steps', 'alpha', 'restarts', 'randomStart', 'loss', 'eot', 'precision'],
    'mi-fgsm': ['norm', 'eps', 'steps', 'alpha', 'decay', 'eot', 'precision'],
    'cw-linf': ['norm', 'eps', 'steps', 'alpha', 'restarts', 'randomStart', 'confidence', 'eot', 'precision'],
    'apgd-ce': ['norm', 'eps', 'steps', 'restarts', 'eot', 'precision'],
    'apgd-dlr': ['norm', 'eps', 'steps', 'restarts', 'eot', 'precision'],
    'apgd-t': ['norm', 'eps', 'steps', 'restarts', 'targets', 'eot', 'precision'],
    fab: ['norm', 'eps', 'steps', 'restarts', 'stopWithinEps'],
    'fab-t': ['norm', 'eps', 'steps', 'restarts', 'targets', 'stopWithinEps'],
    deepfool: ['norm', 'eps', 'steps', 'targets', 'overshoot'],
    'cw-l2': ['norm', 'eps', 'steps', 'binarySearchSteps', 'initialC', 'learningRate', 'confidence'],
    square: ['norm', 'eps', 'queries', 'pInit', 'schedule', 'restarts'],
  };
  const target = targetOf(options);
  const own = name === 'transfer' ? (options.inner as keyof typeof used) : name;
  return {
    ...(name === 'transfer' ? { attack: own } : {}),
    ...Object.fromEntries(used[own].map((key) => [key, options[key]])),
    ...(target === null ? {} : { target }),
  };
}

/**
 * One evaluation a radius, on those of the curve's images that lie in `range`; step sizes scale with the radius, so that
 * every point is an attack of equal strength.
 */
async function runCurve(
  curve: EpsCurveConfig,
  base: NativeAttackOptions,
  threat: Threat,
  range: ImageRange,
  run: (attack: NativeAttackOptions, count: number) => Promise<NativeEvaluateResult>,
): Promise<Evaluation['epsCurve']> {
  const count = Math.max(0, Math.min(curve.count - range.first, range.count));
  const points = [];
  for (const eps of epsPoints(curve, threat)) {
    const alpha = base.eps > 0 ? (base.alpha * eps) / base.eps : base.alpha;
    // A later part may lie wholly behind the images of the curve.
    const robust = count === 0 ? 0 : (await run({ ...base, eps, alpha }, count)).robust;
    points.push({ eps, epsText: formatEps(eps), robust: rate(robust, count) });
  }
  return { attack: base.name, count, points };
}

function perClass(
  { labels, predictions, brokenBy }: NativeEvaluateResult,
  classes: number,
): Evaluation['perClass'] {
  return Array.from({ length: classes }, (_, label) => {
    const own = [...labels.keys()].filter((i) => labels[i] === label);
    return {
      label,
      clean: rate(own.filter((i) => predictions[i] === label).length, own.length),
      robust: rate(own.filter((i) => brokenBy[i] === -1).length, own.length),
    };
  });
}
