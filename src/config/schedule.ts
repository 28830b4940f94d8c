/** Learning-rate schedules over the whole run; times are shares of it. */
import { z } from 'zod';
import { list, named, number, section } from './option.ts';

/** Linear from 0 to `lr` in the first `warmup` of the run, then linear to `lr * finalFraction`. */
export interface OneCycleSchedule {
  name: 'one-cycle';
  warmup: number;
  finalFraction: number;
}

/** `lr` times `factor` at each milestone that has passed. */
export interface StepSchedule {
  name: 'step';
  /** Shares of the run in (0, 1), ascending. */
  milestones: number[];
  factor: number;
}

export interface ConstantSchedule {
  name: 'constant';
}

export type Schedule = OneCycleSchedule | StepSchedule | ConstantSchedule;

/** A schedule as a user writes it; the bare name stands for its defaults. */
export type ScheduleInput =
  | Schedule['name']
  | ({ name: 'one-cycle' } & Partial<OneCycleSchedule>)
  | ({ name: 'step' } & Partial<StepSchedule>)
  | ConstantSchedule;

const oneCycleSchema = section('Linear up, then linear down.', {
  name: z.literal('one-cycle'),
  warmup: number({ description: 'Share of the run in which the rate rises.', gte: 0, lt: 1 }).prefault(0.3),
  finalFraction: number({ description: 'Share of lr at the end of the run.', gte: 0, lte: 1 }).prefault(0),
}) satisfies z.ZodType<OneCycleSchedule>;

const milestonesExpected = 'a list of ascending numbers in (0, 1)';

const stepSchema = section('Drops at milestones.', {
  name: z.literal('step'),
  milestones: list(number({ description: 'Share of the run.', gt: 0, lt: 1 }), {
    description: 'Shares of the run at which the rate drops.',
    expected: milestonesExpected,
    length: [1],
    holds: (milestones) => milestones.every((at, i) => i === 0 || at > milestones[i - 1]!),
  }).prefault([0.5, 0.75]),
  factor: number({ description: 'Factor of each drop.', gt: 0, lte: 1 }).prefault(0.1),
}) satisfies z.ZodType<StepSchedule>;

const constantSchema = section('The same rate all along.', {
  name: z.literal('constant'),
}) satisfies z.ZodType<ConstantSchedule>;

/** @internal */
export const scheduleSchema = named(['one-cycle', 'step', 'constant'], 'Learning-rate schedule.', [
  oneCycleSchema,
  stepSchema,
  constantSchema,
]);
