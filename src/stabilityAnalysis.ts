/** The result of a stability analysis: what `stability()` resolves to and `selfgrad stability --json` prints. */
import type { StabilityConfig } from './config/stability.ts';
import type { Passes, Rate, Warning } from './evaluation.ts';
import type { MeasurementRecord } from './measurement.ts';

/** How a diagnostic is spread over the images for which it is defined and finite. */
export interface Distribution {
  /** How many images that are. With none, all figures are null. */
  count: number;
  mean: number | null;
  /** 5th percentile, median and 95th percentile, interpolated. */
  p5: number | null;
  median: number | null;
  p95: number | null;
}

/** Diagnostics of one value an image; docs/stability.md has their formulas. L is the cross-entropy. */
export interface Diagnostics<T> {
  /** L. */
  loss: T;
  /** ‖∇L‖₁ and ‖∇L‖₂ with respect to the image. */
  gradientL1: T;
  gradientL2: T;
  /** sᵀHs / ‖s‖₂² along the direction s of steepest ascent. */
  gradientCurvature: T;
  /** Estimate of the eigenvalue of the Hessian H of largest magnitude, and how far it surely is from one at most. */
  eigenvalue: T;
  eigenvalueResidual: T;
  /** Largest deviation of L from its linear part that was seen in the ball, and its ratio to that part's largest gain. */
  linearityError: T;
  linearityRatio: T;
  /** Of the gradients at the image and at a random point of the ball: cosine, and share of first-order gain kept. */
  gradientCosine: T;
  gradientAgreement: T;
  /** Share of the gain of PGD that one FGSM step reaches. */
  adversaryQuality: T;
  /** First-order estimate of the distance to the nearest other class, pixel units. Never a certificate. */
  marginRadius: T;
  /** Of the gradient of the margin against finite differences, relative; not finite where it is zero. */
  gradientError: T;
}

export interface LossCurve {
  /** `gradient`: sign of the gradient; `pgd`: towards the best step of PGD; `random`: a random sign vector. */
  direction: 'gradient' | 'pgd' | 'random';
  /** Mean L and accuracy at each multiple. */
  loss: number[];
  accuracy: number[];
}

export interface CertifiedBound {
  /** Images that provably stay correctly classified within eps: a floor of robust accuracy on these images. */
  certified: Rate;
  /** Images among the same that PGD did not break: a ceiling. */
  attacked: Rate;
  /** The largest radius certified for each correctly classified image, up to 4 eps, pixel units; 0 for none. */
  radius: Distribution;
}

export interface StabilityAnalysis extends MeasurementRecord {
  schema: 'selfgrad.stability/1';
  /** As it was run: `count` and `alpha` filled in. */
  options: StabilityConfig;
  clean: Rate;
  /** Accuracy under PGD from the image: no step of it was misclassified. */
  attacked: Rate;
  /** Images whose gradient is exactly zero. */
  zeroGradient: Rate;
  diagnostics: Diagnostics<Distribution>;
  profile: { multiples: number[]; curves: LossCurve[] };
  /** null when it was not asked for. */
  bound: CertifiedBound | null;
  /** Each image's own values, null where not defined or not finite; `certifiedRadius` of the certified images. */
  images: Diagnostics<(number | null)[]> & { certifiedRadius: number[] };
  passes: Passes;
  seconds: number;
  warnings: Warning[];
  /** The shell command that reproduces this analysis. */
  command: string | null;
}
