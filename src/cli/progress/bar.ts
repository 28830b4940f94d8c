/** Progress as one line that is redrawn, with a finished line per epoch above it. For terminals. */
import { clock, grouped, percent } from '../../report/format.ts';
import { eventLines, paceText, passText, secondsLeft } from './line.ts';
import type { Progress, ProgressEvent } from './progress.ts';

const redrawMs = 100;
const clearLine = '\r\x1b[K';

/** `━━━━━━────` of `width` cells. */
function drawBar(share: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '━'.repeat(filled) + '─'.repeat(width - filled);
}

/** Where a bar stands, and the words beside it. */
interface Drawing {
  label: string;
  done: number;
  all: number;
  /** Told by the event, or by the clock since the bar's first event. */
  seconds?: number;
  detail: string;
}

/** Undefined for events that draw nothing. `robust`: of the last validation. */
function drawing(event: ProgressEvent, robust: number | undefined): Drawing | undefined {
  switch (event.type) {
    case 'step': {
      const { step: done, steps: all, seconds } = event;
      const words = [`loss ${event.loss.toFixed(3)}`, `${passText(event.passes)}`];
      if (robust !== undefined) words.splice(1, 0, `robust ${percent(robust, 1)}`);
      words.push(paceText(event.imagesPerSecond));
      return { label: 'train', done, all, seconds, detail: words.join('  ') };
    }
    case 'clean':
    case 'diagnose':
    case 'certify': {
      const { type: label, done, count: all } = event;
      return { label, done, all, detail: `${grouped(done)} / ${grouped(all)}` };
    }
    case 'attack': {
      const { name: label, done, total: all, broken } = event;
      return { label, done, all, detail: `${grouped(done)} / ${grouped(all)}  ${grouped(broken)} broken` };
    }
    default:
      return undefined;
  }
}

/**
 * Draws with `write` on a terminal of `columns()` cells, at most ten times a second by the clock `now()` (ms) but for a bar's
 * first and last state.
 */
export function barProgress(
  write: (text: string) => void,
  columns: () => number,
  now: () => number,
): Progress {
  let drawnAt = Number.NEGATIVE_INFINITY;
  const lines = eventLines((line) => write(`${clearLine}${line}\n`), now);
  let robust: number | undefined;
  let bar: { label: string; began: number; from: number } | undefined;
  return {
    leavesLines: true,
    show(event) {
      lines(event);
      if (event.type === 'eval') robust = event.robust.rate;
      const drawn = drawing(event, robust);
      if (!drawn) return;
      const { label, done, all, detail } = drawn;
      const at = now();
      // The first event of a bar comes when something is done already.
      const before = bar;
      if (bar?.label !== label || done < bar.from) bar = { label, began: at, from: done };
      const share = done / Math.max(1, all);
      if (at - drawnAt < redrawMs && share < 1 && bar === before) return;
      drawnAt = at;
      const left =
        drawn.seconds === undefined
          ? secondsLeft(done - bar.from, all - bar.from, (at - bar.began) / 1000)
          : secondsLeft(done, all, drawn.seconds);
      const known = share < 1 && (drawn.seconds !== undefined || done > bar.from);
      const text = `${percent(share, 0).padStart(5)}  ${detail}${known ? `  ${clock(left)} left` : ''}`;
      const room = Math.max(0, Math.min(30, columns() - label.length - text.length - 3));
      write(clearLine + `${label} ${drawBar(share, room)} ${text}`.slice(0, columns() - 1));
    },
    close() {
      lines(undefined);
      write(clearLine);
    },
  };
}
