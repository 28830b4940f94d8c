import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCsv } from '../../../src/data/csv.ts';
import { SelfgradError } from '../../../src/errors.ts';

const fields = (text: string) => parseCsv(text, 'a.csv').map((row) => row.fields);

test('reads back what was written, with every line where it begins', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', 'é', ' ', ',', '"', '\n', '\r\n', ';'), maxLength: 6 });
  const table = fc
    .integer({ min: 2, max: 4 })
    .chain((columns) =>
      fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), { minLength: 1, maxLength: 6 }),
    );
  fc.assert(
    fc.property(table, fc.constantFrom('\n', '\r\n'), fc.boolean(), (rows, end, last) => {
      const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
      const lines = rows.map((row) => row.map(quoted).join(','));
      const read = parseCsv(lines.join(end) + (last ? end : ''), 'a.csv');
      expect(read.map((row) => row.fields)).toEqual(rows);
      const before = lines.map((_, i) => lines.slice(0, i).join('').split('\n').length + i);
      expect(read.map(({ line }) => line)).toEqual(before);
    }),
  );
});

test('any text is rows of equal length or refused, never anything else', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r'), maxLength: 40 });
  fc.assert(
    fc.property(text, (any) => {
      let rows: string[][];
      try {
        rows = fields(any);
      } catch (error) {
        expect(error).toBeInstanceOf(SelfgradError);
        return;
      }
      expect(new Set(rows.map(({ length }) => length)).size).toBeLessThan(2);
    }),
    { numRuns: 1000 },
  );
});

test('empty fields are kept, empty lines are not', () => {
  expect(fields('a,b\n\n,\r\n"",c\n')).toEqual([
    ['a', 'b'],
    ['', ''],
    ['', 'c'],
  ]);
});

test('a quote that never closes is refused in a long text, too', () => {
  expect(() => fields(`a,b\n"${'x""'.repeat(1e6)}`)).toThrow(
    'Expected a closing quote in the field at line 2 of a.csv but received the end of the file. Put fields with commas, quotes or line ends in quotes, and write a quote in them twice.',
  );
});

test.each([
  ['a,b\nc', 'Expected 2 fields in line 2 of a.csv but received 1.'],
  ['a,b\n"c"d,e', 'Expected a comma or the end of the line in line 2 of a.csv but received "d,e".'],
  ['a,b\nc"d,e', 'Expected a comma or the end of the line in line 2 of a.csv but received "\\"d,e".'],
  ['a,b\rc,d', 'Expected a comma or the end of the line in line 1 of a.csv but received "\\rc,d".'],
])('%j is refused', (text, message) => {
  expect(() => fields(text)).toThrow(message);
});
