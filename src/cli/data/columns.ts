/** Tables of words and counts on stdout, and the line that tells how far reading has come. */
import type { Split } from '../../data/source.ts';
import { print } from '../output.ts';

/** Columns as wide as their widest cell; a column of numbers is aligned to the right. */
export function printColumns(rows: string[][]): void {
  const columns = (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] ?? ''));
  const widths = columns.map((cells) => Math.max(...cells.map((cell) => cell.length)));
  const numeric = columns.map((cells) => cells.slice(1).every((cell) => /^[\d ]*$/.test(cell)));
  for (const row of rows) {
    const cells = row.map((cell, i) =>
      numeric[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
    );
    print(cells.join('  ').trimEnd());
  }
}

/** 10000 → `10 000` */
export function spaced(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** Redraws one line on a terminal and erases it at the end; says nothing elsewhere. */
export function readingProgress(split: Split, read: number, count: number): void {
  if (!process.stderr.isTTY) return;
  const line = `reading ${split} ${spaced(read)} of ${spaced(count)}`;
  process.stderr.write(read < count ? `\r${line}` : `\r${' '.repeat(line.length)}\r`);
}
