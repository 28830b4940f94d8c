/** Comparing runs: what is paired, what is refused to be compared, and the page. */
import { parse } from 'parse5';
import { describe, expect, it } from 'vitest';
import { compare } from '../../src/comparison.ts';
import type { Evaluation } from '../../src/evaluation.ts';
import { rate } from '../../src/interval.ts';
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
    expect([...page.matchAll(/series tone-run-\d/g)]).toHaveLength(2 * 2 * 2);
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

  it('sorts runs and attacks by their rates', () => {
    expect(page.match(/<table class="sortable">/g)).toHaveLength(2);
    expect([...page.matchAll(/<td data-value="([^"]*)">/g)].map(([, value]) => value)).toContain('0.524');
  });

  it('is a table on a terminal', () => {
    const [head, columns, ...rows] = renderComparisonTable(comparison).split('\n');
    expect(head).toBe('compare  cifar10 test · 10 000 images · L∞ ≤ 8/255');
    expect(columns).toMatch(/^run +clean +to the first +robust +to the first$/);
    expect(rows[1]).toMatch(/^<img src=x> +90\.00 %.*\+20\.00 \(.* … .*\).*60\.00 %/);
  });
});
