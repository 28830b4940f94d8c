/** A rate as a bar from 0 to 1 with its 95 % interval as a whisker; the figure itself stands beside it. */
import type { Rate } from '../../evaluation.ts';
import { html, type Markup } from '../markup.ts';
import type { Tone } from './lineChart.ts';

const width = 100;

/** Decoration for a number in text: hidden from screen readers. */
export function rateBar({ rate, low, high }: Rate, tone: Tone): Markup {
  const at = (share: number): string => (share * width).toFixed(1);
  return html`<svg class="rate-bar tone-${tone}" viewBox="0 0 ${width} 8" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="${width}" height="8"/><rect class="fill" width="${at(rate)}" height="8"/><line class="whisker" x1="${at(low)}" x2="${at(high)}" y1="4" y2="4"/></svg>`;
}
