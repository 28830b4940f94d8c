/** Measures clean and robust accuracy of a model. */
import { type Attack, nativeAttack } from './config/attacks/attack.ts';
import { type EpsCurveConfig, type EvaluateInput, epsPoints } from './config/evaluate.ts';
import { formatEps } from './config/fraction.ts';
import type { Threat } from './config/threat.ts';
import type { Dataset } from './data/dataset.ts';
import type { AttackResult, Evaluation, Warning } from './evaluation.ts';
import { rate } from './interval.ts';
import { type MeasurementOptions, measurementRecord, prepareMeasurement } from './measurement.ts';
import type { Model } from './model.ts';
import { awaitRun } from './native/awaitRun.ts';
import type { NativeAttackOptions, NativeEvaluateEvent, NativeEvaluateResult } from './native/binding.ts';
import { loadBinding } from './native/load.ts';

export interface EvaluateOptions extends EvaluateInput, MeasurementOptions<NativeEvaluateEvent> {}

/**
 * Clean accuracy, accuracy under each attack, and the worst case per image over all of them. An image that is
 * misclassified already is not attacked, one that is broken is attacked no more; every success is confirmed by a
 * forward pass in float32, and the count is taken from the adversarial images themselves.
 *
 * @throws SelfgradError `ERR_OPTION`; `ERR_DATA` when the data do not fit the model; `ERR_NUMERIC` for logits that
 *   are not finite
 */
export async function evaluate(
  model: Model,
  data: Dataset,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const measurement = prepareMeasurement('evaluate', model, data, { epsCurve: null, ...options });
  const { config, threads, count, signal, onEvent } = measurement;
  const { threat, seed } = config;
  const { attacks, batchSize, cascade, examples, epsCurve: curve } = config.evaluate;
  const run = (list: NativeAttackOptions[], images: number, keep: number, tell: EvaluateOptions['onEvent']) =>
    awaitRun<NativeEvaluateResult, NativeEvaluateEvent>(
      (observe) =>
        loadBinding().evaluate(
          {
            model: model.native,
            data: data.native,
            count: images,
            batchSize,
            seed,
            threads,
            attacks: list,
            cascade,
            examples: keep,
          },
          observe,
        ),
      { signal, onEvent: tell },
    );
  const started = performance.now();
  const native = attacks.map((attack, i) => nativeAttack(attack, threat, `evaluate.attacks[${i}]`));
  const result = await run(native, count, examples, onEvent);
  const epsCurve =
    curve === null
      ? null
      : await runCurve(curve, attacks[0]!, threat, (list, n) => run(list, n, 0, undefined), count);
  return {
    schema: 'selfgrad.evaluation/1',
    ...measurementRecord(measurement),
    clean: rate(result.clean, count),
    attacks: result.attacks.map(
      (outcome, i): AttackResult => ({
        ...outcome,
        options: describe(native[i]!),
        robust: rate(outcome.robust, count),
      }),
    ),
    robust: rate(result.robust, count),
    passes: result.passes,
    seconds: (performance.now() - started) / 1000,
    perClass: perClass(result, data.classes.length),
    epsCurve,
    examples: result.examples.map((example) => ({
      ...example,
      attack: result.attacks[example.attack]!.name,
      image: [...example.image],
      adversarial: [...example.adversarial],
    })),
    warnings: warningsOf(model, threat, result),
    command: null,
  };
}

/** The options that the attack used, for the record. */
function describe({ name, ...options }: NativeAttackOptions): Record<string, number | string | boolean> {
  const used: Record<NativeAttackOptions['name'], readonly (keyof typeof options)[]> = {
    fgsm: ['norm', 'eps'],
    pgd: ['norm', 'eps', 'steps', 'alpha', 'restarts', 'randomStart', 'loss'],
    'cw-linf': ['norm', 'eps', 'steps', 'alpha', 'restarts', 'randomStart', 'confidence'],
    'apgd-ce': ['norm', 'eps', 'steps', 'restarts'],
    'apgd-dlr': ['norm', 'eps', 'steps', 'restarts'],
    'apgd-t': ['norm', 'eps', 'steps', 'restarts', 'targets'],
    'fab-t': ['norm', 'eps', 'steps', 'restarts', 'targets'],
    'cw-l2': ['norm', 'eps', 'steps', 'binarySearchSteps', 'initialC', 'learningRate', 'confidence'],
    square: ['norm', 'eps', 'queries', 'pInit', 'restarts'],
  };
  return Object.fromEntries(used[name].map((key) => [key, options[key]]));
}

/** One evaluation a radius; step sizes scale with the radius, so that every point is an attack of equal strength. */
async function runCurve(
  curve: EpsCurveConfig,
  attack: Attack,
  threat: Threat,
  run: (attacks: NativeAttackOptions[], count: number) => Promise<NativeEvaluateResult>,
  available: number,
): Promise<Evaluation['epsCurve']> {
  const count = Math.min(curve.count, available);
  const base = nativeAttack(attack, threat);
  const points = [];
  for (const eps of epsPoints(curve, threat)) {
    const alpha = base.eps > 0 ? (base.alpha * eps) / base.eps : base.alpha;
    const { robust } = await run([{ ...base, eps, alpha }], count);
    points.push({ eps, epsText: formatEps(eps), robust: rate(robust, count) });
  }
  return { attack: attack.name, count, points };
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

function warningsOf(model: Model, threat: Threat, result: NativeEvaluateResult): Warning[] {
  const warnings: Warning[] = [];
  const trained = model.metadata.threat;
  const tested = `${threat.norm} ${formatEps(threat.eps)}`;
  if (trained !== undefined && trained !== tested) {
    warnings.push({
      code: 'W_THREAT',
      message: `The model was trained against ${trained} and is evaluated against ${tested}.`,
    });
  }
  const chance = 1 / model.options.classes;
  if (result.clean / result.count < 1.5 * chance) {
    warnings.push({
      code: 'W_CHANCE',
      message: `Clean accuracy is near chance (${(100 * chance).toFixed(0)} %): robust accuracy means little here.`,
    });
  }
  return warnings;
}
