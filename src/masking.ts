/** Looks for signs that a network's gradients are masked, so that attacks fail without the network being robust. */
import { apgdCe, apgdT } from './config/attacks/apgd.ts';
import type { Attack } from './config/attacks/attack.ts';
import { fgsm } from './config/attacks/fgsm.ts';
import { pgd } from './config/attacks/pgd.ts';
import { random } from './config/attacks/random.ts';
import { square } from './config/attacks/square.ts';
import type { MaskingInput } from './config/masking.ts';
import type { Dataset } from './data/dataset.ts';
import { type EvaluateOptions, evaluate } from './evaluate.ts';
import type { EvaluateEvent, Evaluation } from './evaluation.ts';
import { checkGradients } from './functionModel.ts';
import {
  attackOrder,
  epsCurveFalls,
  type MaskingRates,
  moreRestarts,
  moreSteps,
  singleStep,
  squareGain,
  unbounded,
} from './masking/attacks.ts';
import { gradientError, zeroGradient } from './masking/gradients.ts';
import { batchNeighbours, probabilities, randomisedOutputs } from './masking/outputs.ts';
import type { MaskingAnalysis } from './maskingAnalysis.ts';
import { type MeasurementOptions, measurementRecord, prepareMeasurement } from './measurement.ts';
import type { Model } from './model.ts';
import type { NativeStabilityEvent } from './native/measureBinding.ts';
import { stability } from './stability.ts';

export interface MaskingOptions
  extends MaskingInput,
    MeasurementOptions<EvaluateEvent | NativeStabilityEvent> {}

/** Images that are also classified one at a time. */
const alone = 32;
/** Radii of the curve against eps. */
const multiples = [0.25, 0.5, 1, 2, 4];

/**
 * Runs every check of docs/masking.md on the first images of a set: AutoAttack's alarms (randomised outputs,
 * probabilities, zero gradients, what Square gains), finite differences, independence of batch neighbours, and the
 * orders that attacks must keep (Athalye et al. 2018, Carlini et al. 2019).
 *
 * @throws SelfgradError as `evaluate`
 * @example
 * const { verdict, checks } = await masking(model, data, { threat: { eps: '8/255' } });
 */
export async function masking(
  model: Model,
  data: Dataset,
  options: MaskingOptions = {},
): Promise<MaskingAnalysis> {
  checkGradients(model, 'a masking analysis');
  const measurement = prepareMeasurement('masking', model, data, options);
  const { config, threads, device, count, signal, onEvent } = measurement;
  const { threat, seed } = config;
  const run = { ...config.masking, count };
  const { batchSize, steps } = run;
  const started = performance.now();
  const passes = { forward: 0, backward: 0 };
  const bill = <Result extends Pick<Evaluation, 'passes'>>(result: Result): Result => {
    passes.forward += result.passes.forward;
    passes.backward += result.passes.backward;
    return result;
  };
  const shared = {
    count,
    batchSize,
    seed,
    threads,
    device,
    ...(signal && { signal }),
    ...(onEvent && { onEvent }),
  };
  const attacked = async (attacks: Attack[], own: EvaluateOptions = {}) =>
    bill(await evaluate(model, data, { threat, attacks, examples: 0, ...shared, ...own }));

  const { images } = data.native.images({ indices: Int32Array.from({ length: count }, (_, i) => i) });
  const predict = async (pixels: Uint8Array, size: number) => {
    passes.forward += (pixels.length / images.length) * count;
    signal?.throwIfAborted();
    return (await model.predict(pixels, { batchSize: size, threads })).logits;
  };
  const logits = await predict(images, batchSize);
  const again = await predict(images, batchSize);
  const single = await predict(images.subarray(0, Math.min(alone, count) * (images.length / count)), 1);

  const gradients = bill(
    await stability(model, data, {
      threat,
      ...shared,
      steps: 1,
      iterations: 0,
      randomPoints: 0,
      multiples: [0],
      certify: null,
    }),
  );

  const { classes } = model.options;
  // In the ball of this radius around any image lies plain grey, of which nothing can be told.
  const grey = threat.norm === 'linf' ? 0.5 : Math.sqrt(images.length / count) / 2;
  const radii = multiples.map((k) => k * threat.eps).filter((eps) => threat.norm === 'l2' || eps <= 1);
  const compared = await attacked([
    pgd({ steps }),
    fgsm(),
    pgd({ steps: 5 * steps }),
    pgd({ steps, restarts: 5 }),
    random({ restarts: run.points }),
    square({ queries: run.queries }),
    pgd({ steps: 5 * steps, eps: Math.max(grey, threat.eps) }),
    ...radii.map((eps) => pgd({ steps, eps })),
  ]);
  // Targeted DLR divides by the fourth logit; with fewer classes the margin stands in for it.
  const second =
    classes >= 4 ? apgdT({ steps: run.apgdSteps }) : pgd({ steps: run.apgdSteps, loss: 'margin' });
  const cascade = await attacked(
    [apgdCe({ steps: run.apgdSteps }), second, square({ queries: run.queries })],
    {
      cascade: true,
    },
  );

  const [basic, oneStep, longer, restarted, noise, blackBox, reaching, ...curve] = compared.attacks.map(
    ({ robust }) => robust,
  );
  const rates: MaskingRates = {
    fgsm: oneStep!,
    pgd: basic!,
    moreSteps: longer!,
    moreRestarts: restarted!,
    random: noise!,
    square: blackBox!,
    whiteBox: cascade.attacks[1]!.robust,
    afterSquare: cascade.robust,
  };
  const checks = [
    randomisedOutputs(logits, again),
    batchNeighbours(logits, single),
    probabilities(logits, classes),
    zeroGradient(gradients.images.gradientL1),
    gradientError(gradients.images.gradientError),
    singleStep(rates),
    epsCurveFalls(radii, curve),
    unbounded(reaching!, classes),
    moreSteps(rates, steps),
    moreRestarts(rates),
    attackOrder(rates),
    squareGain(rates),
  ];
  return {
    schema: 'selfgrad.masking/1',
    ...measurementRecord(measurement),
    options: run,
    clean: compared.clean,
    checks,
    verdict: checks.some(({ raised }) => raised) ? 'suspect' : 'no sign',
    passes,
    seconds: (performance.now() - started) / 1000,
    command: null,
  };
}
