import { describe, expect, test } from 'vitest';
import { renderCsv } from '../../../src/report/csv.ts';
import { evaluationFixture, suiteFixture } from './fixture.ts';

/** Reads RFC 4180 into rows of cells. */
function parse(csv: string): string[][] {
  const cells = [...csv.matchAll(/("(?:[^"]|"")*"|[^,\n]*)(,|\n)/g)];
  const rows: string[][] = [[]];
  for (const [, cell, end] of cells) {
    rows.at(-1)!.push(cell!.startsWith('"') ? cell!.slice(1, -1).replaceAll('""', '"') : cell!);
    if (end === '\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

function records(csv: string): Record<string, string>[] {
  const [head, ...rows] = parse(csv);
  return rows.map((row) => Object.fromEntries(head!.map((name, column) => [name, row[column]!])));
}

describe('renderCsv', () => {
  test('has one row for each rate, and the same number of cells in every row', () => {
    const csv = renderCsv(evaluationFixture());
    expect(records(csv).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'clean clean',
      'attack pgd',
      'attack cw-l2',
      'robust worst case',
      'class-clean cat',
      'class-robust cat',
      'class-clean dog',
      'class-robust dog',
      'eps-curve pgd',
      'eps-curve pgd',
      'eps-curve pgd',
      'attack-steps pgd',
      'attack-steps pgd',
      'attack-steps pgd',
      'attack-steps cw-l2',
      'attack-steps cw-l2',
      'lead broken images',
      'lead broken images',
    ]);
    expect(new Set(parse(csv).map((row) => row.length)).size).toBe(1);
  });

  test('has a row for a suite, after the attacks', () => {
    const suite = records(renderCsv(evaluationFixture({ suites: [suiteFixture] })))[3];
    expect(suite).toMatchObject({ kind: 'suite', name: 'autoattack', correct: '5231', broken: '3181' });
  });

  test('gives numbers with all their digits and eps as it was written', () => {
    const evaluation = evaluationFixture();
    const [clean, pgd, cw] = records(renderCsv(evaluation));
    expect(Number(clean!.low)).toBe(evaluation.clean.low);
    expect(clean!.eps_text).toBe('');
    expect(pgd).toMatchObject({
      norm: 'linf',
      eps: String(8 / 255),
      eps_text: '8/255',
      correct: '5240',
      count: '10000',
      attacked: '8412',
      broken: '3172',
      forward: '840000',
      seconds: '41.23',
      median_distance: '',
    });
    expect(cw!.median_distance).toBe('0.4321');
  });

  test('holds what the charts of steps and margins show', () => {
    const all = records(renderCsv(evaluationFixture()));
    const cells = (kind: string, column: string) =>
      all
        .filter((row) => row.kind === kind)
        .map((row) => [row.name, row[column], row.correct, row.count].join(' '));
    expect(cells('attack-steps', 'steps')).toEqual([
      'pgd 0 2 3',
      'pgd 4 1 3',
      'pgd 20 1 3',
      'cw-l2 0 1 3',
      'cw-l2 1000 1 3',
    ]);
    expect(cells('lead', 'lead')).toEqual(['broken images 0 0 1', 'broken images 0.25 1 1']);
  });

  test('quotes separators and keeps spreadsheets from running a name as a formula', () => {
    const evaluation = evaluationFixture();
    evaluation.data.classes = ['=HYPERLINK("x")', 'a,b\n"c"'];
    const csv = renderCsv(evaluation);
    expect(csv).toContain(`class-clean,"'=HYPERLINK(""x"")",`);
    expect(records(csv).map(({ name }) => name)).toContain('a,b\n"c"');
  });

  test('names a class without a name by its number', () => {
    const evaluation = evaluationFixture();
    evaluation.data.classes = [];
    expect(records(renderCsv(evaluation)).filter(({ kind }) => kind === 'class-clean')).toMatchObject([
      { name: '0' },
      { name: '1' },
    ]);
  });
});
