/** Comparing runs: what is paired, what is refused to be compared, and the page. */
import { parse } from 'parse5';
import { describe, expect, it } from 'vitest';
import { compare } from '../../src/comparison.ts';
import type { Evaluation } from '../../src/evaluation.ts';
import { rate } from '../../src/interval.ts';
import { comparisonCsv } from '../../src/report/comparisonCsv.ts';
import { renderComparison } from '../../src/report/comparisonPage.ts';
import { renderComparisonTable } from '../../src/report/comparisonTable.ts';
import { evaluationFixture, historyFixture } from './report/fixture.ts';

/** Ten images of which the given ones are wrong, broken by the first attack, or robust. */
function run(outcomes: string, changes: Partial<Evaluation> = {}): Evaluation {
  const brokenBy = [...outcomes].map((kind) => ({ w: -2, b: 0, r: -1 })[kind]!);
  const count = (wanted: (by: number) => boolean) => rate(brokenBy.filter(wanted).length, 10);
  return evaluationFixture({
    images: {
      first: 0,
      total: 10,
      predictions: brokenBy.map(() => 0),
      brokenBy,
      steps: brokenBy.map((by) => (by < 0 ? null : 3)),
      margins: brokenBy.map((by) => (by < 0 ? null : -0.5)),
    },
    clean: count((by) => by !== -2),
    robust: count((by) => by === -1),
    ...changes,
  });
}

const first = run('wwwbbbrrrr');
const second = run('wbbbrrrrrr');

describe('compare', () => {
  it('pairs images of the same set', () => {
    const { rows, warnings } = compare([
      { name: 'pgd', evaluation: first },
      { name: 'mine', evaluation: second },
    ]);
    expect(warnings).toEqual([]);
    expect(rows.map(({ name, cleanDifference }) => [name, cleanDifference?.value ?? null])).toEqual([
      ['pgd', null],
      ['mine', expect.closeTo(0.2)],
    ]);
    expect(rows[1]!.robustDifference).toMatchObject({ value: 0.2, only: 2, onlyOther: 0 });
  });

  it('says what does not compare, and pairs nothing on other images', () => {
    const others = {
      images: run('wbbbrrrrrr', { data: { ...first.data, sha256: 'other' } }),
      part: { ...second, images: { ...second.images, first: 10 } },
      threat: run('wbbbrrrrrr', { threat: { norm: 'linf', eps: 0.1, epsText: '0.1' } }),
      attacks: run('wbbbrrrrrr', { attacks: first.attacks.slice(0, 1) }),
    };
    for (const [name, evaluation] of Object.entries(others)) {
      const { rows, warnings } = compare([
        { name: 'first', evaluation: first },
        { name, evaluation },
      ]);
      expect(warnings).toEqual([
        { code: 'W_COMPARE', message: expect.stringMatching(`^${name}: evaluated .* than first`) },
      ]);
      expect(rows[1]!.robustDifference === null, name).toBe(['images', 'part'].includes(name));
    }
  });

  it('wants two runs', () => {
    expect(() => compare([{ name: 'one', evaluation: first }])).toThrow('at least two runs');
  });
});

describe('what is drawn', () => {
  const hostile = '<img src=x>';
  const named = [
    { name: 'pgd', evaluation: first },
    { name: hostile, evaluation: second },
  ];
  const comparison = compare(named);
  const page = renderComparison({
    comparison,
    runs: named.map(({ evaluation }) => ({ evaluation, history: historyFixture(3) })),
    version: '1.2.3',
  });

  it('is a well-formed page with no script but its own, with text as text', () => {
    const errors: string[] = [];
    parse(page, { onParseError: ({ code }) => errors.push(code) });
    expect(errors).toEqual([]);
    expect(page).not.toContain(hostile);
    expect(page).toContain('&lt;img src=x&gt;');
    expect(page).not.toMatch(/https?:\/\//);
    expect(page.match(/<script/g)).toHaveLength(1);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has the differences and a line for each run', () => {
    expect(page).toContain('+20.00 (');
    expect([...page.matchAll(/series tone-run-\d/g)]).toHaveLength(3 * 2 * 2);
  });

  it('explains its warnings', () => {
    const other = run('wbbbrrrrrr', { threat: { norm: 'linf', eps: 0.1, epsText: '0.1' } });
    const compared = [first, other].map((evaluation, i) => ({ name: String(i), evaluation }));
    const warned = renderComparison({
      comparison: compare(compared),
      runs: compared.map(({ evaluation }) => ({ evaluation, history: [] })),
      version: '1.2.3',
    });
    expect(warned).toContain('<a href="#about-W_COMPARE">W_COMPARE</a>');
    expect(warned).toContain('<div id="about-W_COMPARE">');
    expect(page).not.toContain('<section id="explanations">');
  });

  it('says what each run had spent when it first reached what all reach', () => {
    const late = historyFixture(3).map((event) =>
      event.type === 'eval' ? { ...event, robust: rate(event.epoch === 3 ? 45 : 20, 100) } : event,
    );
    const runs = [historyFixture(3), late].map((history, i) => ({
      evaluation: named[i]!.evaluation,
      history,
    }));
    const drawn = renderComparison({ comparison, runs, version: '1.2.3' });
    expect(drawn).toContain(
      '<h3>When validation first reached 40.00 % robust, the best that all runs reach</h3>',
    );
    const cells = [
      ...drawn
        .split('first reached')
        .at(-1)!
        .matchAll(/<td data-value="([^"]*)">/g),
    ];
    // 200 passes and a second a step, four steps an epoch.
    expect(cells.map(([, value]) => Number(value))).toEqual([800, 4, 1, 0.4, 2400, 12, 3, 0.45]);
    const unknown = [runs[0]!, { ...runs[1]!, history: [] }];
    expect(renderComparison({ comparison, runs: unknown, version: '1.2.3' })).not.toContain('first reached');
  });

  it('is a table of CSV, too', () => {
    const lines = comparisonCsv(comparison).split('\n');
    expect(lines[0]).toBe(
      'run,strategy,architecture,parameters,kind,name,correct,count,rate,low,high,difference,difference_low,difference_high',
    );
    // Clean, the fixture's two attacks and the worst case of two runs.
    expect(lines).toHaveLength(1 + 2 * 4 + 1);
    const { cleanDifference: difference } = comparison.rows[1]!;
    expect(lines[5]!.endsWith(`,${difference!.value},${difference!.low},${difference!.high}`)).toBe(true);
    expect(lines[1]!.endsWith(',,,')).toBe(true);
  });

  it('sorts runs and attacks by their rates', () => {
    expect(page.match(/<table class="sortable">/g)).toHaveLength(3);
    expect([...page.matchAll(/<td data-value="([^"]*)">/g)].map(([, value]) => value)).toContain('0.524');
  });

  it('is a table on a terminal', () => {
    const [head, columns, ...rows] = renderComparisonTable(comparison).split('\n');
    expect(head).toBe('compare  cifar10 test · 10 000 images · L∞ ≤ 8/255');
    expect(columns).toMatch(/^run +clean +to the first +robust +to the first$/);
    expect(rows[1]).toMatch(/^<img src=x> +90\.00 %.*\+20\.00 \(.* … .*\).*60\.00 %/);
  });
});
