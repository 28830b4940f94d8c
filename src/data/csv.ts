/** Comma-separated values by RFC 4180, strictly: quotes, doubled quotes, line ends in quotes. */
import { SelfgradError } from '../errors.ts';

export interface CsvRow {
  /** Where the row begins, counted from 1. */
  line: number;
  fields: string[];
}

/** A field without quotes, a line end, or the end of the text. */
const plain = /[^",\r\n]*/y;
const lineEnd = /\r?\n|$/y;

/**
 * Rows of equally many fields; empty lines are passed over.
 * Errors: `ERR_DATA` with file and line.
 * @param path for messages
 */
export function parseCsv(text: string, path: string): CsvRow[] {
  const rows: CsvRow[] = [];
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const row: CsvRow = { line, fields: [] };
    for (;;) {
      const end = text[at] === '"' ? closingQuote(text, at) : matchAt(plain, text, at);
      if (end === -1)
        throw wrong('a closing quote', `the field at line ${line} of ${path}`, 'the end of the file');
      const whole = text.slice(at, end);
      row.fields.push(whole.startsWith('"') ? whole.slice(1, -1).replaceAll('""', '"') : whole);
      if (whole.startsWith('"')) line += whole.split('\n').length - 1;
      at = end;
      if (text[at] !== ',') break;
      at++;
    }
    const end = matchAt(lineEnd, text, at);
    if (end === -1) {
      const found = JSON.stringify(text.slice(at, at + 20));
      throw wrong('a comma or the end of the line', `line ${line} of ${path}`, found);
    }
    at = end;
    line++;
    if (row.fields.length === 1 && row.fields[0] === '') continue;
    const columns = rows[0]?.fields.length ?? row.fields.length;
    if (row.fields.length !== columns) {
      throw wrong(`${columns} fields`, `line ${row.line} of ${path}`, `${row.fields.length}`);
    }
    rows.push(row);
  }
  return rows;
}

/** The place behind the quote that closes the one at `at`, or -1. */
function closingQuote(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end !== -1 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
  return end === -1 ? -1 : end + 1;
}

/** Where the match that begins at `at` ends, or -1. */
function matchAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

function wrong(expected: string, place: string, received: string): SelfgradError {
  return new SelfgradError('ERR_DATA', `Expected ${expected} in ${place} but received ${received}.`, {
    fix: 'Put fields with commas, quotes or line ends in quotes, and write a quote in them twice.',
  });
}
