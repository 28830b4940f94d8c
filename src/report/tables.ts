/** The tables of the report: attacks, classes, and the points of the eps curve. */

import type { AttackResult, Evaluation, Passes, Rate, SuiteResult } from '../evaluation.ts';
import type { Tone } from './charts/lineChart.ts';
import { rateBar } from './charts/rateBar.ts';
import { duration, grouped, interval, optionText, passes, percent, sourceText } from './format.ts';
import type { EpochRow } from './history.ts';
import { type Content, html, Markup } from './markup.ts';

export interface TableParts {
  /** Rows that stay last. */
  foot?: Content;
  /** Whether the reader may sort the rows of the body (sorting.ts). Defaults to false. */
  sorts?: boolean;
}

/** A table that scrolls sideways on its own where the screen is too narrow, also by keyboard. */
export function scrolling(
  caption: string,
  head: Content,
  body: Content,
  { foot, sorts = false }: TableParts = {},
): Markup {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table${sorts && html` class="sortable"`}>
<caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>${body}</tbody>
${foot && html`<tfoot>${foot}</tfoot>`}
</table></div>`;
}

/** A figure in a table that sorts. */
export function valueCell(value: number, text: string): Markup {
  return html`<td data-value="${value}">${text}</td>`;
}

/** Column heads; a `Markup` is taken as it is. */
export function heads(names: readonly (string | Markup)[]): Markup {
  return html`${names.map((name) => (name instanceof Markup ? name : html`<th scope="col">${name}</th>`))}`;
}

/** The head over `rateCell`, which is set to the left. */
export function rateHead(name: string): Markup {
  return html`<th scope="col" class="rate">${name}</th>`;
}

/** The head over cells of class `text`, which are set to the left; in the last column they may have several lines. */
export function textHead(name: string): Markup {
  return html`<th scope="col" class="text">${name}</th>`;
}

/** `note` stands below the rate. */
export function rateCell(rate: Rate, tone: Tone, note: Content = null): Markup {
  return html`<td class="rate" data-value="${rate.rate}">${rateBar(rate, tone)} <b>${percent(rate.rate)}</b> <span class="interval">${interval(rate)}</span>${note}</td>`;
}

function costCells({ forward, backward }: Passes, seconds: number): Markup {
  return html`${valueCell(forward, passes(forward))}${valueCell(backward, passes(backward))}${valueCell(seconds, duration(seconds))}`;
}

/** Text that stays on one line. */
function unbroken(text: string): string {
  return text.replaceAll(' ', '\u00a0');
}

function attackRow(attack: AttackResult): Markup {
  const options = Object.entries(attack.options).map(([key, value]) => `${key} ${optionText(value)}`);
  if (attack.medianDistance !== null) options.push(`median distance ${attack.medianDistance.toPrecision(3)}`);
  const words = [...options.map(unbroken), ...(attack.source ? [sourceText(attack.source)] : [])];
  return outcomeRow(attack, words.join('\u00a0· '));
}

function suiteRow(suite: SuiteResult, attacks: readonly AttackResult[]): Markup {
  const names = suite.attacks.map((i) => attacks[i]!.name).join(', ');
  const note = `${suite.options.version}: what ${names}, run as a cascade, left standing`;
  return outcomeRow(suite, note);
}

function outcomeRow(outcome: AttackResult | SuiteResult, note: string): Markup {
  const { name, robust, attacked, broken, passes: spent, seconds } = outcome;
  return html`<tr><th scope="row">${name}<small>${note}</small></th>${rateCell(robust, 'robust')}${valueCell(attacked, grouped(attacked))}${valueCell(broken, grouped(broken))}${costCells(spent, seconds)}</tr>`;
}

/** Clean accuracy, each attack and suite with what it broke and cost, and the worst case over all attacks. */
export function attackTable({ clean, attacks, suites, robust, passes: spent, seconds }: Evaluation): Markup {
  const head = heads([
    'attack',
    rateHead('accuracy, 95 % interval'),
    'attacked',
    'broken',
    'forward',
    'backward',
    'time',
  ]);
  const none = html`<td></td><td></td>`;
  return scrolling(
    'Accuracy under each attack',
    head,
    html`<tr><th scope="row">none (clean)</th>${rateCell(clean, 'clean')}${none}<td></td>${none}</tr>
${attacks.map((attack, i) => [attackRow(attack), ...suites.filter((suite) => suite.attacks.at(-1) === i).map((suite) => suiteRow(suite, attacks))])}`,
    {
      sorts: true,
      foot:
        attacks.length > 0 &&
        html`<tr><th scope="row">worst case<small>an image counts only if it withstands every attack</small></th>${rateCell(robust, 'robust')}<td></td><td>${grouped(clean.correct - robust.correct)}</td>${costCells(spent, seconds)}</tr>`,
    },
  );
}

/** Clean and robust accuracy of each class: a mean can hide a class that has none. */
export function classTable({ perClass, data }: Evaluation): Markup {
  return scrolling(
    'Accuracy of each class',
    heads(['class', rateHead('clean'), rateHead('robust'), 'images']),
    perClass.map(
      ({ label, clean, robust }) =>
        html`<tr><th scope="row">${className(data.classes, label)}</th>${rateCell(clean, 'clean')}${rateCell(robust, 'robust')}${valueCell(clean.count, grouped(clean.count))}</tr>`,
    ),
    { sorts: true },
  );
}

/** The points of the eps curve as numbers. */
export function epsTable(curve: NonNullable<Evaluation['epsCurve']>): Markup {
  return scrolling(
    `Robust accuracy under ${curve.attack}`,
    heads(['eps', 'accuracy', '95 % interval']),
    curve.points.map(
      ({ epsText, robust }) =>
        html`<tr><th scope="row">${epsText}</th><td><b>${percent(robust.rate)}</b></td><td class="interval">${interval(robust)}</td></tr>`,
    ),
  );
}

/** What each epoch cost and came to: the curves of training as numbers. */
export function epochTable(epochs: readonly EpochRow[]): Markup {
  const rateOf = (rate: Rate | null) =>
    rate === null ? html`<td></td>` : valueCell(rate.rate, percent(rate.rate));
  return scrolling(
    'Each epoch of training',
    heads(['epoch', 'passes', 'time', 'loss', 'training', 'clean', 'robust']),
    epochs.map(
      ({ epoch, passes: spent, seconds, loss, accuracy, clean, robust }) =>
        html`<tr><th scope="row">${epoch}</th>${valueCell(spent, passes(spent))}${valueCell(seconds, duration(seconds))}${valueCell(loss, loss.toFixed(3))}${valueCell(accuracy, percent(accuracy))}${rateOf(clean)}${rateOf(robust)}</tr>`,
    ),
    { sorts: true },
  );
}

/** The name of a class; its number where the data set gives none. */
export function className(classes: readonly string[], label: number): string {
  return classes[label] ?? `class ${label}`;
}
