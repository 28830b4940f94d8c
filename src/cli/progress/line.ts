/** Progress as whole lines: one per epoch, one per attack. For logs and pipes. */
import type { TrainEvent } from '../../events.ts';
import { duration, grouped, percent } from '../../report/format.ts';
import type { Progress } from './progress.ts';

type Epoch = Extract<TrainEvent, { type: 'epoch' }>;
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

/** The line of an event that stands for itself; undefined for those that do not. */
export function eventLine(event: Parameters<Progress['show']>[0]): string | undefined {
  switch (event.type) {
    case 'start': {
      const resumed = event.resumedAtStep > 0 ? `, resumed at step ${grouped(event.resumedAtStep)}` : '';
      return `train  ${event.strategy} · ${grouped(event.parameters)} parameters · ${grouped(event.steps)} steps${resumed}`;
    }
    case 'warning':
      return `warning  ${event.code}  ${event.message}`;
    case 'clean':
      return `clean  ${percent(event.correct / event.count)}  ${grouped(event.count)} images`;
    case 'attack-end':
      return `${event.name}  ${grouped(event.broken)} broken`;
    default:
      return undefined;
  }
}

/** Holds an epoch back until its validation is in, so that both stand on one line. */
export function epochPairs(emit: (line: string) => void) {
  let waiting: Epoch | undefined;
  const flush = (validation?: Eval) => {
    if (waiting) emit(epochLine(waiting, validation));
    waiting = undefined;
  };
  return (event: Parameters<Progress['show']>[0] | undefined): void => {
    if (event?.type === 'eval') flush(event);
    else if (event?.type === 'epoch') {
      flush();
      waiting = event;
    } else if (event?.type !== 'checkpoint') flush();
  };
}

/** Writes one line per unit of work. */
export function lineProgress(write: (text: string) => void): Progress {
  const emit = (line: string) => write(`${line}\n`);
  const epochs = epochPairs(emit);
  return {
    show(event) {
      epochs(event);
      const line = eventLine(event);
      if (line !== undefined) emit(line);
    },
    close: () => epochs(undefined),
  };
}
