/** The result of an evaluation as aligned lines for a terminal. */

import { formatEps } from '../config/fraction.ts';
import type { AttackResult, Evaluation, Rate, SuiteResult } from '../evaluation.ts';
import type { MeasurementRecord } from '../measurement.ts';
import {
  counted,
  duration,
  grouped,
  interval,
  passPair,
  percent,
  sourceText,
  warningText,
} from './format.ts';

/** Terminals act on control characters: names and messages from files must not bring their own. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}

/** What was measured, on a line. */
export function headline({ model, data, threat, device, seed }: MeasurementRecord): string {
  return [
    model.architecture,
    `${data.name} ${data.split} ${grouped(data.count)}`,
    `${threat.norm} ${threat.epsText}`,
    device,
    `seed ${seed}`,
  ].join(' · ');
}

function rateCells(name: string, rate: Rate): string[] {
  return [name, percent(rate.rate), interval(rate)];
}

/**
 * The name of an attack, with that of the one that it runs, its radius where that is not the threat model's, and the
 * class that it aims at.
 */
function attackName({ name, options }: AttackResult | SuiteResult, threat: Evaluation['threat']): string {
  const { norm = threat.norm, eps = threat.eps, target, attack } = options;
  const own = norm !== threat.norm || eps !== threat.eps;
  return [
    name,
    ...(attack === undefined ? [] : [attack]),
    ...(own ? [`${norm} ${formatEps(Number(eps))}`] : []),
    ...(target === undefined ? [] : [`target ${target}`]),
  ].join(' ');
}

function outcomeCells(outcome: AttackResult | SuiteResult, threat: Evaluation['threat']): string[] {
  return [
    ...rateCells(attackName(outcome, threat), outcome.robust),
    `${grouped(outcome.broken)} broken`,
    duration(outcome.seconds),
    ...passPair(outcome.passes),
  ];
}

function attackCells(attack: AttackResult, threat: Evaluation['threat']): string[] {
  const { medianDistance: distance, source } = attack;
  return [
    ...outcomeCells(attack, threat),
    source ? sourceText(source) : distance === null ? '' : `median distance ${distance.toPrecision(3)}`,
  ];
}

function suiteCells(suite: SuiteResult, threat: Evaluation['threat']): string[] {
  return [
    ...outcomeCells(suite, threat),
    `${suite.options.version}, ${counted(suite.attacks.length, 'attack')}`,
  ];
}

/** Pads each column to its widest cell: the first and the last to the left, figures to the right. */
export function align(rows: string[][], minimumWidth: number): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  widths[0] = Math.max(widths[0]!, minimumWidth);
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}

/**
 * The lines that `selfgrad eval` prints: what was evaluated, clean accuracy, each attack, after the last one of a suite
 * the suite, the worst case over all attacks (left out when none was run), and the warnings. Accuracies are percent of all images with their 95 % interval.
 */
export function renderTable(evaluation: Evaluation): string {
  const { threat, attacks, suites, clean, robust, warnings } = evaluation;
  const rates = [
    rateCells('clean', clean),
    ...attacks.flatMap((attack, i) => [
      attackCells(attack, threat),
      ...suites.filter((suite) => suite.attacks.at(-1) === i).map((suite) => suiteCells(suite, threat)),
    ]),
  ];
  if (attacks.length > 0) rates.push(rateCells('robust', robust));
  const labelWidth = Math.max('evaluate'.length, ...rates.map(([name]) => name!.length));
  const lines = align(rates, labelWidth);
  if (attacks.length > 0) {
    lines.push(
      `${lines.pop()}   worst case over ${counted(attacks.length, 'attack')}, ${counted(robust.count, 'image')}`,
    );
  }
  return [
    `${'evaluate'.padEnd(labelWidth)}  ${headline(evaluation)}`,
    ...lines,
    ...warnings.map((warning) => `${'warning'.padEnd(labelWidth)}  ${warningText(warning)}`),
  ]
    .map(plain)
    .join('\n');
}
