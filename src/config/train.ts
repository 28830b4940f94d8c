/** Everything that shapes a training run. */
import type { z } from 'zod';
import { type Attack, type AttackInput, attackSchema } from './attacks/attack.ts';
import { choice, either, flag, integer, list, number, section } from './option.ts';
import { type Schedule, type ScheduleInput, scheduleSchema } from './schedule.ts';
import {
  imagesPerStep,
  passesPerExample,
  replays,
  type Strategy,
  type StrategyInput,
  strategySchema,
} from './strategies/strategy.ts';

export interface ValidateConfig {
  /** Epochs between validations; 0 for none. */
  every: number;
  /** Images that are attacked, of those held out (`data.validation`), else of the test split. */
  count: number;
  attack: Attack;
}

export interface CheckpointConfig {
  /** Epochs between checkpoints; 0 writes one only at the end or when interrupted. */
  every: number;
}

export interface TrainConfig {
  strategy: Strategy;
  /** Length of the run; may be fractional. Exactly one of `epochs` and `passes` is a number. */
  epochs: number | null;
  /** Length of the run as a budget of forward+backward passes per example. */
  passes: number | null;
  batchSize: number;
  precision: 'float32' | 'bfloat16';
  /** Highest learning rate of the schedule. */
  lr: number;
  momentum: number;
  nesterov: boolean;
  weightDecay: number;
  schedule: Schedule;
  labelSmoothing: number;
  /** Weights of the classes in the cross-entropy; `balanced` weighs each by images / (classes · its images). */
  classWeights: 'balanced' | number[] | null;
  /** gamma of adversarial weight perturbation, relative to the weights' norm; 0 for none. */
  weightPerturbation: number;
  /** Decay of the average of the weights over the steps, with which the run ends; 0 for none. */
  averageDecay: number;
  /** Padding in pixels before a random crop; 0 for none. */
  crop: number;
  /** Mirror half of the images. */
  flip: boolean;
  validate: ValidateConfig;
  checkpoint: CheckpointConfig;
}

type Nested = 'strategy' | 'schedule' | 'validate' | 'checkpoint';

/** `TrainConfig` as a user writes it: every field has a default, a bare name stands for a group. */
export interface TrainInput extends Partial<Omit<TrainConfig, Nested>> {
  strategy?: StrategyInput;
  schedule?: ScheduleInput;
  validate?: { every?: number; count?: number; attack?: AttackInput };
  checkpoint?: Partial<CheckpointConfig>;
}

const validateSchema = section('Robust accuracy on held-out images while training.', {
  every: integer({ description: 'Epochs between validations; 0 for none.', gte: 0 }).prefault(1),
  count: integer({
    description: 'Images that are attacked, of those held out (data.validation), else of the test split.',
    gte: 1,
  }).prefault(500),
  attack: attackSchema.prefault({ name: 'pgd', steps: 10 }),
}) satisfies z.ZodType<ValidateConfig>;

/** @internal */
export const trainSchema = section('How the network is trained.', {
  strategy: strategySchema.prefault('self-gradient'),
  epochs: number({
    description: 'Length of the run in epochs; may be fractional. Give this or passes.',
    gt: 0,
  })
    .nullable()
    .prefault(10),
  passes: number({
    description: 'Length of the run in forward+backward passes per example. Give this or epochs.',
    gt: 0,
  })
    .nullable()
    .prefault(null),
  batchSize: integer({ description: 'Images per step.', gte: 1 }).prefault(128),
  precision: choice(['float32', 'bfloat16'], { description: 'Number format of training.' }).prefault(
    'float32',
  ),
  lr: number({ description: 'Highest learning rate of the schedule.', gt: 0 }).prefault(0.1),
  momentum: number({ description: 'Momentum of SGD.', gte: 0, lt: 1 }).prefault(0.9),
  nesterov: flag({ description: "Nesterov's form of momentum." }).prefault(true),
  weightDecay: number({ description: 'Weight decay.', gte: 0 }).prefault(5e-4),
  schedule: scheduleSchema.prefault('one-cycle'),
  labelSmoothing: number({
    description: 'Share of the label spread over all classes.',
    gte: 0,
    lt: 1,
  }).prefault(0),
  classWeights: either(
    [
      choice(['balanced'], { description: 'Rare classes weigh more.' }),
      list(number({ description: 'Weight of a class.', gt: 0 }), {
        description: 'One a class.',
        expected: 'a list of numbers > 0',
        length: [2],
      }),
    ],
    {
      description:
        'Weights of the classes in the cross-entropy: a list, or balanced, which is images / (classes * images of the class); null for none.',
      expected: 'balanced or a list of numbers > 0',
    },
  )
    .nullable()
    .prefault(null),
  weightPerturbation: number({
    description: 'gamma of adversarial weight perturbation (one more pass); 0 for none, 0.005 is usual.',
    gte: 0,
    lt: 1,
  }).prefault(0),
  averageDecay: number({
    description: 'Decay per step of the averaged weights that the run ends with; 0 for none, 0.999 is usual.',
    gte: 0,
    lt: 1,
  }).prefault(0),
  crop: integer({ description: 'Padding in pixels before a random crop; 0 for none.', gte: 0 }).prefault(4),
  flip: flag({ description: 'Mirror half of the images.' }).prefault(true),
  validate: validateSchema.prefault({}),
  checkpoint: section('Files from which a run can be resumed.', {
    every: integer({
      description: 'Epochs between checkpoints; 0 writes one only at the end or when interrupted.',
      gte: 0,
    }).prefault(1),
  }).prefault({}),
})
  .refine(({ epochs, passes }) => (epochs === null) !== (passes === null), {
    path: ['epochs'],
    error: (issue) => {
      const { epochs, passes } = issue.input as TrainConfig;
      return epochs === null
        ? 'Expected a number for train.epochs or train.passes but received null for both.'
        : `Expected a number for train.epochs or train.passes but received both (${epochs} and ${passes}). Set one to null.`;
    },
  })
  .refine(({ nesterov, momentum }) => !nesterov || momentum > 0, {
    path: ['momentum'],
    error:
      'Expected a number in (0, 1) for {path} but received 0 (number). Nesterov needs momentum: set nesterov to false.',
  }) satisfies z.ZodType<TrainConfig>;

/** Epochs of the run: `epochs`, or the budget of passes divided by what the strategy spends per epoch. */
export function resolveEpochs({
  epochs,
  passes,
  strategy,
  weightPerturbation,
}: Pick<TrainConfig, 'epochs' | 'passes' | 'strategy' | 'weightPerturbation'>): number {
  return epochs ?? passes! / passesPerExample(strategy, weightPerturbation > 0);
}

/** Steps of one epoch over `count` images: more than their batches when images stay for several steps. */
export function stepsPerEpoch(
  { batchSize, strategy }: Pick<TrainConfig, 'batchSize' | 'strategy'>,
  count: number,
): number {
  return replays(strategy) * Math.ceil(count / imagesPerStep(strategy, batchSize));
}
