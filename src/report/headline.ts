/** The one number that a reader looks for first, large, with its uncertainty. */
import type { Rate } from '../evaluation.ts';
import type { Tone } from './charts/lineChart.ts';
import { rateBar } from './charts/rateBar.ts';
import { interval } from './format.ts';
import { html, type Markup } from './markup.ts';

/** A card with a rate, its 95 % interval, and a note on what it counts. */
export function headline(name: string, rate: Rate, tone: Tone, note: string): Markup {
  return html`<div class="headline tone-${tone}"><h2>${name}</h2><p class="value">${(rate.rate * 100).toFixed(2)}<span> %</span></p>${rateBar(rate, tone)}<p class="note">${interval(rate)} (95 % interval)<br>${note}</p></div>`;
}
