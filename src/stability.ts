/** Looks at how a model's loss behaves around each image, and at what can be proved there. */
import type { StabilityInput } from './config/stability.ts';
import type { Dataset } from './data/dataset.ts';
import { distribution } from './distribution.ts';
import type { Warning } from './evaluation.ts';
import { checkGradients } from './functionModel.ts';
import { rate } from './interval.ts';
import { type MeasurementOptions, measurementRecord, prepareMeasurement } from './measurement.ts';
import type { Model } from './model.ts';
import { checkModel } from './modelChecks.ts';
import { awaitRun } from './native/awaitRun.ts';
import { loadBinding } from './native/load.ts';
import type {
  NativeStabilityEvent,
  NativeStabilityImages,
  NativeStabilityResult,
} from './native/measureBinding.ts';
import type { CertifiedBound, Diagnostics, StabilityAnalysis } from './stabilityAnalysis.ts';

export interface StabilityOptions extends StabilityInput, MeasurementOptions<NativeStabilityEvent> {}

const names = [
  'loss',
  'gradientL1',
  'gradientL2',
  'gradientCurvature',
  'eigenvalue',
  'eigenvalueResidual',
  'linearityError',
  'linearityRatio',
  'gradientCosine',
  'gradientAgreement',
  'adversaryQuality',
  'marginRadius',
  'gradientError',
] as const satisfies readonly (keyof Diagnostics<unknown>)[];

/**
 * Norms and agreement of input gradients, curvature, local linearity, quality of a single step, a first-order margin
 * radius (an estimate), the loss along three directions, and a certified bound: the floor of robust accuracy where
 * attacks give the ceiling. What is said of an image does not depend on its batch. docs/stability.md explains each.
 *
 * @throws SelfgradError `ERR_OPTION`; `ERR_DATA` when the data do not fit the model; `ERR_NUMERIC` for logits that
 *   are not finite
 * @example
 * const { bound, diagnostics } = await stability(model, data, { threat: { eps: '8/255' }, count: 200 });
 */
export async function stability(
  model: Model,
  data: Dataset,
  options: StabilityOptions = {},
): Promise<StabilityAnalysis> {
  checkGradients(model, 'a stability analysis');
  const measurement = prepareMeasurement('stability', model, data, options);
  const { config, threads, count, signal, onEvent } = measurement;
  const { threat, seed } = config;
  const run = { ...config.stability, count, alpha: config.stability.alpha ?? threat.eps / 4 };
  // Bounds go from layer to layer: those of a program or of a function in front are not known.
  const bounded = model.origin === 'torchscript' || model.origin === 'preprocessed' ? null : run.certify;
  const certify = bounded ?? { count: 0, bisections: 0, refine: 0 };
  const warnings = await checkModel(model, data, { count, threads, signal });
  if (bounded !== run.certify) {
    warnings.push({
      code: 'W_NO_BOUND',
      message: `The layers of a ${model.origin === 'torchscript' ? 'TorchScript' : 'preprocessed'} model are not all known: no certified bound.`,
    });
  }
  const result = await awaitRun<NativeStabilityResult, NativeStabilityEvent>(
    (observe) =>
      loadBinding().stability(
        { model: model.native, data: data.native, ...threat, ...run, seed, threads, certify },
        observe,
      ),
    { signal, onEvent },
  );
  const { images } = result;
  const analysis: Omit<StabilityAnalysis, 'warnings'> = {
    schema: 'selfgrad.stability/1',
    ...measurementRecord(measurement),
    options: { ...run, certify: bounded },
    clean: rate(total(images.correct), count),
    attacked: rate(total(images.attacked), count),
    zeroGradient: rate(images.gradientL1.filter((norm) => norm === 0).length, count),
    diagnostics: diagnosticsOf((name) => distribution(images[name])),
    profile: { multiples: run.multiples, curves: result.profiles },
    bound: boundOf(images),
    images: {
      ...diagnosticsOf((name) =>
        Array.from(images[name], (value) => (Number.isFinite(value) ? value : null)),
      ),
      certifiedRadius: [...(images.certifiedRadius ?? [])],
    },
    passes: result.passes,
    seconds: result.seconds,
    command: null,
  };
  return { ...analysis, warnings: [...warnings, ...warningsOf(analysis, images)] };
}

function total(flags: Float64Array): number {
  return flags.reduce((sum, flag) => sum + flag, 0);
}

function diagnosticsOf<T>(make: (name: keyof Diagnostics<T>) => T): Diagnostics<T> {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as unknown as Diagnostics<T>;
}

function boundOf(images: NativeStabilityImages): CertifiedBound | null {
  const { certified, certifiedRadius, attacked, correct } = images;
  if (certified === undefined || certifiedRadius === undefined) return null;
  const { length } = certified;
  return {
    certified: rate(total(certified), length),
    attacked: rate(total(attacked.subarray(0, length)), length),
    radius: distribution(certifiedRadius.filter((_, i) => correct[i] === 1)),
  };
}

function warningsOf(
  { diagnostics, zeroGradient, profile }: Omit<StabilityAnalysis, 'warnings'>,
  images: NativeStabilityImages,
): Warning[] {
  const warnings: Warning[] = [];
  if (zeroGradient.rate > 0.01) {
    warnings.push({
      code: 'W_ZERO_GRADIENT',
      message: `${zeroGradient.correct} of ${zeroGradient.count} images have a gradient of exactly zero: gradient attacks cannot start there.`,
    });
  }
  const quality = diagnostics.adversaryQuality.median;
  if (quality !== null && quality < 0.5) {
    warnings.push({
      code: 'W_SINGLE_STEP',
      message: `One step reaches ${(100 * quality).toFixed(0)} % of the gain of PGD (median): single-step figures mean nothing here.`,
    });
  }
  const gradient = profile.curves.find(({ direction }) => direction === 'gradient')!.accuracy;
  const full = gradient[profile.multiples.indexOf(1)];
  const dip = gradient.findIndex(
    (accuracy, i) => profile.multiples[i]! < 1 && full !== undefined && accuracy < full - 0.02,
  );
  if (dip !== -1) {
    warnings.push({
      code: 'W_PROFILE',
      message: `Along the gradient, accuracy is lower at ${profile.multiples[dip]} eps than at eps: a sign of catastrophic overfitting.`,
    });
  }
  const residual = distribution(
    images.eigenvalueResidual.map((value, i) => value / Math.abs(images.eigenvalue[i]!)),
  ).median;
  if (residual !== null && residual > 0.1) {
    warnings.push({
      code: 'W_POWER',
      message: `The power iteration has a residual of ${(100 * residual).toFixed(0)} % (median): raise stability.iterations.`,
    });
  }
  return warnings;
}
