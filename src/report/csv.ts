/** The numbers of an evaluation as one CSV table (RFC 4180), a row for each rate, for spreadsheets and plots. */
import type { AttackResult, Evaluation, Passes, Rate, SuiteResult } from '../evaluation.ts';
import { leadCurve, standingCurves } from './outcomes.ts';

const columns = [
  'kind',
  'name',
  'norm',
  'eps',
  'eps_text',
  'correct',
  'count',
  'rate',
  'low',
  'high',
  'attacked',
  'broken',
  'forward',
  'backward',
  'seconds',
  'median_distance',
  'steps',
  'lead',
] as const;

type Row = Partial<Record<(typeof columns)[number], string | number | null>>;

/** A spreadsheet runs text that opens with one of these as a formula; an apostrophe keeps it text. */
const formula = /^[=+\-@\t\r]/;

function field(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = formula.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A line without its end (RFC 4180); null and undefined are empty cells. */
export function csvLine(cells: readonly (string | number | null | undefined)[]): string {
  return cells.map(field).join(',');
}

function rateFields({ correct, count, rate, low, high }: Rate): Row {
  return { correct, count, rate, low, high };
}

function costFields({ forward, backward }: Passes, seconds: number): Row {
  return { forward, backward, seconds };
}

function outcomeFields(outcome: AttackResult | SuiteResult, budget: Row): Row {
  const { name, robust, attacked, broken, passes, seconds } = outcome;
  return { name, ...budget, ...rateFields(robust), attacked, broken, ...costFields(passes, seconds) };
}

function rows(evaluation: Evaluation): Row[] {
  const { threat, data, passes, seconds } = evaluation;
  const budget: Row = { norm: threat.norm, eps: threat.eps, eps_text: threat.epsText };
  return [
    { kind: 'clean', name: 'clean', ...rateFields(evaluation.clean) },
    ...evaluation.attacks.map((attack) => ({
      kind: 'attack',
      ...outcomeFields(attack, budget),
      median_distance: attack.medianDistance,
    })),
    ...evaluation.suites.map((suite) => ({ kind: 'suite', ...outcomeFields(suite, budget) })),
    {
      kind: 'robust',
      name: 'worst case',
      ...budget,
      ...rateFields(evaluation.robust),
      ...costFields(passes, seconds),
    },
    ...evaluation.perClass.flatMap(({ label, clean, robust }) => {
      const name = data.classes[label] ?? String(label);
      return [
        { kind: 'class-clean', name, ...rateFields(clean) },
        { kind: 'class-robust', name, ...budget, ...rateFields(robust) },
      ];
    }),
    ...(evaluation.epsCurve?.points ?? []).map((point) => ({
      kind: 'eps-curve',
      name: evaluation.epsCurve!.attack,
      norm: threat.norm,
      eps: point.eps,
      eps_text: point.epsText,
      ...rateFields(point.robust),
    })),
    ...standingCurves(evaluation).flatMap(({ attack, points }) =>
      points.map(({ steps, standing }) => ({
        kind: 'attack-steps',
        name: attack,
        ...budget,
        ...rateFields(standing),
        steps,
      })),
    ),
    ...leadCurve(evaluation.images).map(({ lead, share }) => ({
      kind: 'lead',
      name: 'broken images',
      ...budget,
      ...rateFields(share),
      lead,
    })),
  ];
}

/**
 * One header line, then one line for each rate. `kind` is `clean`, `attack`, `suite`, `robust`, `class-clean`,
 * `class-robust`, `eps-curve`, `attack-steps` (who stands after so many `steps` of an attack) or `lead` (of the broken
 * images, those on which the wrong class leads by at most `lead` logits); rates and intervals are shares in [0, 1];
 * cells that do not apply are empty.
 */
export function renderCsv(evaluation: Evaluation): string {
  const lines = rows(evaluation).map((row) => csvLine(columns.map((column) => row[column])));
  return `${[columns.join(','), ...lines].join('\n')}\n`;
}
