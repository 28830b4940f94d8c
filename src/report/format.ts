/** Numbers as a reader sees them in the table and the report: percent, counts, passes, time, pixels. */
import { formatEps } from '../config/fraction.ts';
import type { Norm } from '../config/threat.ts';
import type { AttackSource, Evaluation, Passes, Rate, Warning } from '../evaluation.ts';
import type { Difference } from '../interval.ts';

/** `0.8412` → `84.12 %`. */
export function percent(share: number, digits = 2): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** The 95 % interval of a rate: `83.39 … 84.82 %`. */
export function interval(rate: Rate): string {
  return `${(rate.low * 100).toFixed(2)} … ${percent(rate.high)}`;
}

/** In points of a hundred, with its 95 % interval: `+3.20 (+1.10 … +5.28)`. */
export function differenceText({ value, low, high }: Difference): string {
  const points = (share: number) => `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(2)}`;
  return `${points(value)} (${points(low)} … ${points(high)})`;
}

/** `10000` → `10 000`. */
export function grouped(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** Passes of one example: `40 210`, and from a hundred thousand on in millions, `0.84 M`. */
export function passes(count: number): string {
  return count < 100_000 ? grouped(count) : `${(count / 1e6).toFixed(2)} M`;
}

/** A warning as a line of a terminal, with where it is explained. */
export function warningText({ code, message }: Warning): string {
  return `${code}  ${message} (docs/errors.md#${code.toLowerCase()})`;
}

/** `0.84 M fwd  0.84 M bwd`, without the backward part where there was none (black-box attacks). */
export function passPair({ forward, backward }: Passes): string[] {
  return [`${passes(forward)} fwd`, backward > 0 ? `${passes(backward)} bwd` : ''];
}

/** `41.23` → `41.2 s`; from ten minutes on in minutes. */
export function duration(seconds: number): string {
  return seconds < 600 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`;
}

/** `0:42`, `1:02:03` */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(s / 3600), Math.floor((s % 3600) / 60)];
  const tail = String(s % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}

/** `1` → `1 image`, `2000` → `2 000 images`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A value of an attack's options: short decimals as they are, others as 255ths where they are such. */
export function optionText(value: number | string | boolean): string {
  if (typeof value !== 'number' || String(value).length <= 6) return String(value);
  const text = formatEps(value);
  return text.includes('/') ? text : String(Number(value.toPrecision(6)));
}

/** Whose gradients a transfer attack follows, and what they cost. */
export function sourceText({ path, architecture, passes: spent }: AttackSource): string {
  return `gradients of ${path ?? architecture}: ${passPair(spent).join(', ')}`;
}

/** `L∞` */
export function normText(norm: Norm): string {
  return norm === 'linf' ? 'L∞' : norm.toUpperCase();
}

/** The perturbations that are allowed: `L∞ ≤ 8/255`. */
export function threatText({ norm, epsText }: Evaluation['threat']): string {
  return `${normText(norm)} ≤ ${epsText}`;
}

/** A name as far as a chart has room for it. */
export function shortened(name: string): string {
  return name.length <= 22 ? name : `${name.slice(0, 21)}…`;
}
