/** Progress as whole lines: one per epoch, one per attack. For logs and pipes. */

import type { EvaluateEvent } from '../../evaluation.ts';
import type { TrainEvent } from '../../events.ts';
import type { NativeEvaluateEvent } from '../../native/measureBinding.ts';
import { clock, counted, duration, grouped, passes, percent, warningText } from '../../report/format.ts';
import type { Progress } from './progress.ts';

type Start = Extract<TrainEvent, { type: 'start' }>;
type Part = Extract<EvaluateEvent, { type: 'part' }>;
type Epoch = Extract<TrainEvent, { type: 'epoch' }>;
type Clean = Extract<NativeEvaluateEvent, { type: 'clean' }>;
type Eval = Extract<TrainEvent, { type: 'eval' }>;

/** What an epoch's line takes from the events before it. */
interface Run {
  start?: Start;
  /** Of the last step that was told. */
  imagesPerSecond?: number;
}

/** How long the rest of a run takes at the mean pace of what is done. */
export function secondsLeft(done: number, all: number, seconds: number): number {
  return ((all - done) * seconds) / Math.max(1, done);
}

/** A pass is one forward and one backward of one image; every backward has its forward. */
export function passText({ backward }: { backward: number }): string {
  return `${passes(backward)} passes`;
}

/** Images that training takes in a second, since it was started or resumed. */
export function paceText(imagesPerSecond: number): string {
  return `${grouped(imagesPerSecond)} img/s`;
}

/** `epoch   3/6  loss 1.834  train 33.1 %  clean 45.2 %  robust 28.4 %  0.30 M passes  1 234 img/s  18.3 s  0:17 left` */
function epochLine(epoch: Epoch, { start, imagesPerSecond }: Run, validation?: Eval): string {
  const epochs = start ? `/${Math.ceil(start.steps / start.stepsPerEpoch)}` : '';
  const cells = [
    `epoch ${String(epoch.epoch).padStart(3)}${epochs}`,
    `loss ${epoch.loss.toFixed(3)}`,
    `train ${percent(epoch.accuracy, 1).padStart(6)}`,
  ];
  if (validation) {
    cells.push(`clean ${percent(validation.clean.rate, 1).padStart(6)}`);
    cells.push(`robust ${percent(validation.robust.rate, 1).padStart(6)}`);
  }
  cells.push(passText(epoch.passes));
  if (imagesPerSecond !== undefined) cells.push(paceText(imagesPerSecond));
  cells.push(duration(epoch.seconds));
  if (start && epoch.step < start.steps)
    cells.push(`${clock(secondsLeft(epoch.step, start.steps, epoch.seconds))} left`);
  return cells.join('  ');
}

/** `train  self-gradient · 12 345 parameters · 20 steps · validated on 500 images of the test split` */
function startLine({ strategy, parameters, steps, resumedAtStep, validation }: Start): string {
  const resumed = resumedAtStep > 0 ? `, resumed at step ${grouped(resumedAtStep)}` : '';
  // Runs of older versions do not say it.
  const validated = validation
    ? ` · validated on ${counted(validation.count, 'image')} of the ${validation.split} split`
    : '';
  return `train  ${strategy} · ${grouped(parameters)} parameters · ${grouped(steps)} steps${resumed}${validated}`;
}

/** `clean  84.12 %  10 000 images` */
function cleanLine({ correct, count }: Clean): string {
  return `clean  ${percent(correct / count)}  ${grouped(count)} images`;
}

/** The line of an event that stands for itself; undefined for those that do not. */
function eventLine(event: Parameters<Progress['show']>[0]): string | undefined {
  switch (event.type) {
    case 'start':
      return startLine(event);
    case 'warning':
      return `warning  ${warningText(event)}`;
    case 'alarm':
      return `alarm  step ${grouped(event.step)}: successive gradients agree ${event.agreement.toFixed(2)}, usually ${event.usual.toFixed(2)}; extra attack passes for ${event.remedySteps} steps`;
    case 'attack-end':
      return `${event.name}  ${grouped(event.broken)} broken`;
    case 'diagnose':
    case 'certify':
      return event.done === event.count ? `${event.type}  ${grouped(event.count)} images` : undefined;
    default:
      return undefined;
  }
}

/**
 * Turns events into lines. An epoch is held back until its validation is in, so that both stand on one line; the
 * clean accuracy, which grows batch by batch, until its last value is in. `undefined` ends the events.
 */
export function eventLines(emit: (line: string) => void, now: () => number) {
  const run: Run = {};
  let epoch: Epoch | undefined;
  let began: number | undefined;
  let clean: Clean | undefined;
  return (event: Parameters<Progress['show']>[0] | undefined): void => {
    if (event?.type === 'checkpoint') return;
    began ??= now();
    if (event?.type === 'start') run.start = event;
    if (event?.type === 'step') run.imagesPerSecond = event.imagesPerSecond;
    if (epoch) emit(epochLine(epoch, run, event?.type === 'eval' ? event : undefined));
    if (clean && event?.type !== 'clean') emit(cleanLine(clean));
    epoch = event?.type === 'epoch' ? event : undefined;
    clean = event?.type === 'clean' ? event : undefined;
    const line = event?.type === 'part' ? partLine(event, (now() - began) / 1000) : event && eventLine(event);
    if (line !== undefined) emit(line);
  };
}

/** `500 of 2 000 images  clean 81.20 %  robust 35.40 %  1:12 left` */
function partLine({ done, count, clean, robust }: Part, seconds: number): string {
  const left = done < count ? `  ${clock(secondsLeft(done, count, seconds))} left` : '';
  return `${grouped(done)} of ${grouped(count)} images  clean ${percent(clean.rate)}  robust ${percent(robust.rate)}${left}`;
}

/** Writes one line per unit of work; `now()` is a clock in ms. */
export function lineProgress(write: (text: string) => void, now: () => number): Progress {
  const lines = eventLines((line) => write(`${line}\n`), now);
  return { leavesLines: true, show: lines, close: () => lines(undefined) };
}
