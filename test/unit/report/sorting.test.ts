/** The order that the script of sorting tables makes; clicks and heads are tested in a browser (test/browser). */
import { describe, expect, test } from 'vitest';
import { sorting } from '../../../src/report/sorting.ts';

interface Row {
  cells: { dataset: { value?: string }; textContent: string }[];
}
type Sorted = (rows: Row[], column: number, sign: 1 | -1) => Row[];

const noTables = { querySelectorAll: () => [] };
const sorted = new Function('document', `${sorting.script}; return sorted;`)(noTables) as Sorted;

/** The names of rows, each a name and a value, sorted by the value. */
function order(values: Record<string, string>, sign: 1 | -1): string[] {
  const rows = Object.entries(values).map(([name, value]) => ({
    cells: [
      { dataset: {}, textContent: name },
      { dataset: { value }, textContent: 'what is shown' },
    ],
  }));
  return sorted(rows, 1, sign).map((row) => row.cells[0]!.textContent);
}

describe('the order of a sorted table', () => {
  test('is that of numbers, not of their digits', () => {
    const values = { a: '1000000', b: '9', c: '-0.5', d: '1e-7' };
    expect(order(values, 1)).toEqual(['c', 'd', 'b', 'a']);
    expect(order(values, -1)).toEqual(['a', 'b', 'd', 'c']);
  });

  test('has empty cells last, up and down', () => {
    const values = { a: '', b: '2', c: '', d: '1' };
    expect(order(values, 1)).toEqual(['d', 'b', 'a', 'c']);
    expect(order(values, -1)).toEqual(['b', 'd', 'a', 'c']);
  });

  test('keeps equal rows as they were, up and down', () => {
    const values = { a: '1', b: '2', c: '1', d: '2' };
    expect(order(values, 1)).toEqual(['a', 'c', 'b', 'd']);
    expect(order(values, -1)).toEqual(['b', 'd', 'a', 'c']);
  });

  test('is that of text, with the numbers in it, where a column has text', () => {
    expect(order({ a: 'class 10', b: 'class 9', c: '3' }, 1)).toEqual(['c', 'b', 'a']);
  });

  test('takes what is shown where a cell has no value of its own', () => {
    const row = (textContent: string) => ({ cells: [{ dataset: {}, textContent }] });
    expect(sorted(['dog', ' cat '].map(row), 0, 1).map(({ cells }) => cells[0]!.textContent)).toEqual([
      ' cat ',
      'dog',
    ]);
  });
});
