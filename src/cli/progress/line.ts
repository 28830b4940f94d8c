/** Progress as whole lines: one per epoch, one per attack. For logs and pipes. */

import type { TrainEvent } from '../../events.ts';
import type { NativeEvaluateEvent } from '../../native/measureBinding.ts';
import { duration, grouped, percent } from '../../report/format.ts';
import type { Progress } from './progress.ts';

type Epoch = Extract<TrainEvent, { type: 'epoch' }>;
type Clean = Extract<NativeEvaluateEvent, { type: 'clean' }>;
type Eval = Extract<TrainEvent, { type: 'eval' }>;

/** `epoch   3  loss 1.834  train 33.1 %  clean 45.2 %  robust 28.4 %  12 passes  18.3 s` */
export function epochLine(epoch: Epoch, validation?: Eval): string {
  const cells = [
    `epoch ${String(epoch.epoch).padStart(3)}`,
    `loss ${epoch.loss.toFixed(3)}`,
    `train ${percent(epoch.accuracy, 1).padStart(6)}`,
  ];
  if (validation) {
    cells.push(`clean ${percent(validation.clean.rate, 1).padStart(6)}`);
    cells.push(`robust ${percent(validation.robust.rate, 1).padStart(6)}`);
  }
  return [...cells, duration(epoch.seconds)].join('  ');
}

/** `clean  84.12 %  10 000 images` */
function cleanLine({ correct, count }: Clean): string {
  return `clean  ${percent(correct / count)}  ${grouped(count)} images`;
}

/** The line of an event that stands for itself; undefined for those that do not. */
function eventLine(event: Parameters<Progress['show']>[0]): string | undefined {
  switch (event.type) {
    case 'start': {
      const resumed = event.resumedAtStep > 0 ? `, resumed at step ${grouped(event.resumedAtStep)}` : '';
      return `train  ${event.strategy} · ${grouped(event.parameters)} parameters · ${grouped(event.steps)} steps${resumed}`;
    }
    case 'warning':
      return `warning  ${event.code}  ${event.message}`;
    case 'alarm':
      return `alarm  step ${grouped(event.step)}: successive gradients agree ${event.agreement.toFixed(2)}, usually ${event.usual.toFixed(2)}; extra attack passes for ${event.remedySteps} steps`;
    case 'part':
      return `${grouped(event.done)} of ${grouped(event.count)} images  clean ${percent(event.clean.rate)}  robust ${percent(event.robust.rate)}`;
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
export function eventLines(emit: (line: string) => void) {
  let epoch: Epoch | undefined;
  let clean: Clean | undefined;
  return (event: Parameters<Progress['show']>[0] | undefined): void => {
    if (event?.type === 'checkpoint') return;
    if (epoch) emit(epochLine(epoch, event?.type === 'eval' ? event : undefined));
    if (clean && event?.type !== 'clean') emit(cleanLine(clean));
    epoch = event?.type === 'epoch' ? event : undefined;
    clean = event?.type === 'clean' ? event : undefined;
    const line = event && eventLine(event);
    if (line !== undefined) emit(line);
  };
}

/** Writes one line per unit of work. */
export function lineProgress(write: (text: string) => void): Progress {
  const lines = eventLines((line) => write(`${line}\n`));
  return { leavesLines: true, show: lines, close: () => lines(undefined) };
}
