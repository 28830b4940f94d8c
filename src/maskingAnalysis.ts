/** The result of the checks for gradient masking: what `masking()` resolves to. */
import type { MaskingConfig } from './config/masking.ts';
import type { Passes, Rate } from './evaluation.ts';
import type { MeasurementRecord } from './measurement.ts';

/** docs/masking.md has a section for each. */
export type MaskingCheckName =
  | 'randomised-outputs'
  | 'batch-neighbours'
  | 'probabilities'
  | 'zero-gradient'
  | 'gradient-error'
  | 'single-step'
  | 'eps-curve'
  | 'unbounded'
  | 'steps'
  | 'restarts'
  | 'attack-order'
  | 'square-gain';

export interface MaskingCheck {
  name: MaskingCheckName;
  /** Whether it found what a network without masked gradients does not show. */
  raised: boolean;
  /** What was seen, in a sentence. */
  evidence: string;
  /** The figures of that sentence; shares are in 0 … 1. */
  figures: Record<string, number>;
}

export interface MaskingAnalysis extends MeasurementRecord {
  schema: 'selfgrad.masking/1';
  /** As it was run: `count` filled in. */
  options: MaskingConfig;
  clean: Rate;
  checks: MaskingCheck[];
  /** `suspect` when any check was raised. `no sign` proves nothing: another attack may still succeed. */
  verdict: 'no sign' | 'suspect';
  passes: Passes;
  seconds: number;
  /** The shell command that reproduces this analysis. */
  command: string | null;
}
