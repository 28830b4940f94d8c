/** The curves of a training run from its events, against the passes or the seconds that they cost. */
import type { Passes, Rate } from '../evaluation.ts';
import type { TrainEvent } from '../events.ts';
import type { LinePoint } from './charts/lineChart.ts';

/** What curves are drawn against: forward plus backward passes, or seconds of training. */
export type Cost = 'passes' | 'seconds';

/** The end of an epoch. */
export interface EpochRow {
  epoch: number;
  passes: number;
  seconds: number;
  loss: number;
  /** On the training images as perturbed by the strategy. */
  accuracy: number;
  /** Of the validation that followed; null: none did. */
  clean: Rate | null;
  robust: Rate | null;
}

export interface TrainingHistory {
  /** Loss of the training batches, the mean of neighbouring steps. */
  loss: LinePoint[];
  /** Accuracy on the training images as perturbed by the strategy, one point an epoch. */
  accuracy: LinePoint[];
  /** Validation accuracy on clean and on attacked images, with its 95 % interval. */
  clean: LinePoint[];
  robust: LinePoint[];
  /** The end of each epoch. */
  epochs: { epoch: number; x: number }[];
}

/** Enough for a line of some 500 pixels; more would only show the noise of single batches. */
const maxLossPoints = 120;

type Progress = Extract<TrainEvent, { type: 'step' | 'epoch' | 'eval' }>;

/** What training has cost so far. */
const costs: Record<Cost, (event: { passes: Passes; seconds: number }) => number> = {
  passes: ({ passes: { forward, backward } }) => forward + backward,
  seconds: ({ seconds }) => seconds,
};

/** The events that led to the final model: what came after the checkpoint of a later resume was undone. */
function effective(events: readonly TrainEvent[]): Progress[] {
  let kept: Progress[] = [];
  for (const event of events) {
    if (event.type === 'start') kept = kept.filter(({ step }) => step <= event.resumedAtStep);
    else if (event.type === 'step' || event.type === 'epoch' || event.type === 'eval') kept.push(event);
  }
  return kept;
}

/** Means of neighbouring points, so that at most `limit` remain. */
function condense(points: LinePoint[], limit: number): LinePoint[] {
  const size = Math.ceil(points.length / limit);
  if (size <= 1) return points;
  const condensed: LinePoint[] = [];
  for (let start = 0; start < points.length; start += size) {
    const group = points.slice(start, start + size);
    condensed.push({
      x: group.reduce((sum, { x }) => sum + x, 0) / group.length,
      y: group.reduce((sum, { y }) => sum + y, 0) / group.length,
    });
  }
  return condensed;
}

/** The epochs of a run as numbers. */
export function epochRows(events: readonly TrainEvent[]): EpochRow[] {
  const progress = effective(events);
  return progress.flatMap((event): EpochRow[] => {
    if (event.type !== 'epoch') return [];
    const { epoch, step, loss, accuracy, seconds } = event;
    const validation = progress.find((other) => other.type === 'eval' && other.step === step);
    const { clean = null, robust = null } = validation?.type === 'eval' ? validation : {};
    return [{ epoch, passes: costs.passes(event), seconds, loss, accuracy, clean, robust }];
  });
}

/** Reads the curves from the events of one run, resumed or not; null when no training step is among them. */
export function trainingHistory(
  events: readonly TrainEvent[],
  cost: Cost = 'passes',
): TrainingHistory | null {
  const total = costs[cost];
  const progress = effective(events);
  const steps = progress.filter((event) => event.type === 'step');
  const epochs = progress.filter((event) => event.type === 'epoch');
  const evals = progress.filter((event) => event.type === 'eval');
  if (steps.length + epochs.length === 0) return null;
  const trained = [...steps, ...epochs].sort((a, b) => a.step - b.step);
  // Validation costs passes too, and is no part of training: its place is the step that it followed.
  const placeOf = (step: number): number => {
    const before = trained.findLast((event) => event.step <= step);
    return before ? total(before) : 0;
  };
  const losses = (steps.length > 0 ? steps : epochs).filter(({ loss }) => Number.isFinite(loss));
  return {
    loss: condense(
      losses.map((event) => ({ x: total(event), y: event.loss })),
      maxLossPoints,
    ),
    accuracy: epochs.map((event) => ({ x: total(event), y: event.accuracy })),
    clean: evals.map(({ step, clean: { rate, low, high } }) => ({ x: placeOf(step), y: rate, low, high })),
    robust: evals.map(({ step, robust: { rate, low, high } }) => ({ x: placeOf(step), y: rate, low, high })),
    epochs: epochs.map((event) => ({ epoch: event.epoch, x: total(event) })),
  };
}
