/** Progress as one line that is redrawn, with a finished line per epoch above it. For terminals. */
import { clock, grouped, percent } from '../../report/format.ts';
import { eventLines } from './line.ts';
import type { Progress, ProgressEvent } from './progress.ts';

const redrawMs = 100;
const clearLine = '\r\x1b[K';

/** `━━━━━━────` of `width` cells. */
function drawBar(share: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '━'.repeat(filled) + '─'.repeat(width - filled);
}

/** How long the rest of a run takes at the mean pace of what is done. */
export function secondsLeft({ steps, step, seconds }: Extract<ProgressEvent, { type: 'step' }>): number {
  return ((steps - step) * seconds) / Math.max(1, step);
}

/** Share done and the words beside the bar; undefined for events that draw nothing. */
function state(event: ProgressEvent): { share: number; label: string; detail: string } | undefined {
  if (event.type === 'step') {
    return {
      share: event.step / event.steps,
      label: 'train',
      detail: `loss ${event.loss.toFixed(3)}  ${grouped(event.imagesPerSecond)} img/s  ${clock(secondsLeft(event))} left`,
    };
  }
  if (event.type === 'clean' || event.type === 'diagnose' || event.type === 'certify') {
    return {
      share: event.done / Math.max(1, event.count),
      label: event.type,
      detail: `${grouped(event.done)} / ${grouped(event.count)}`,
    };
  }
  if (event.type === 'attack') {
    return {
      share: event.done / Math.max(1, event.total),
      label: event.name,
      detail: `${grouped(event.done)} / ${grouped(event.total)}  ${grouped(event.broken)} broken`,
    };
  }
  return undefined;
}

/**
 * Draws with `write` on a terminal of `columns()` cells, at most ten times a second by the clock `now()` (ms).
 */
export function barProgress(
  write: (text: string) => void,
  columns: () => number,
  now: () => number,
): Progress {
  let drawnAt = Number.NEGATIVE_INFINITY;
  const lines = eventLines((line) => write(`${clearLine}${line}\n`));
  return {
    leavesLines: true,
    show(event) {
      lines(event);
      const drawing = state(event);
      if (!drawing || (now() - drawnAt < redrawMs && drawing.share < 1)) return;
      drawnAt = now();
      const text = `${percent(drawing.share, 0).padStart(5)}  ${drawing.detail}`;
      const room = Math.max(0, Math.min(30, columns() - drawing.label.length - text.length - 3));
      write(clearLine + `${drawing.label} ${drawBar(drawing.share, room)} ${text}`.slice(0, columns() - 1));
    },
    close() {
      lines(undefined);
      write(clearLine);
    },
  };
}
