/** The events of a training run, in the order in which they can occur; epochs count from 1. */
import type { Split } from './data/source.ts';
import type { Passes, Rate, Warning } from './evaluation.ts';

export type TrainEvent =
  | {
      type: 'start';
      steps: number;
      stepsPerEpoch: number;
      parameters: number;
      resumedAtStep: number;
      strategy: string;
      /** Which images `clean` and `robust` of the `eval` events are of; null: none. */
      validation: { split: Split; count: number } | null;
    }
  | {
      type: 'step';
      step: number;
      steps: number;
      epoch: number;
      loss: number;
      lr: number;
      passes: Passes;
      seconds: number;
      imagesPerSecond: number;
    }
  | {
      type: 'epoch';
      epoch: number;
      step: number;
      loss: number;
      accuracy: number;
      lr: number;
      passes: Passes;
      seconds: number;
    }
  | { type: 'eval'; epoch: number; step: number; clean: Rate; robust: Rate; passes: Passes; seconds: number }
  | { type: 'checkpoint'; path: string; step: number }
  /** Successive gradients agree far less than they did (`usual`): extra attack passes for `remedySteps` steps. */
  | { type: 'alarm'; step: number; agreement: number; usual: number; remedySteps: number }
  | ({ type: 'warning' } & Warning)
  | {
      type: 'end';
      completed: boolean;
      step: number;
      steps: number;
      passes: Passes;
      /** How many of the backward passes also computed the gradients of the weights. */
      weightGradients: number;
      seconds: number;
      imagesPerSecond: number;
    };
