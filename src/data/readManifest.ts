/** The rows of a manifest, checked. */
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { SelfgradError } from '../errors.ts';
import { parseCsv } from './csv.ts';
import { fileError } from './fileError.ts';

export interface ManifestRow {
  /** Of the image, as it is written. */
  path: string;
  label: string;
  /** Null when the manifest has no column `split`. */
  split: 'train' | 'test' | 'val' | null;
  /** `line 7 of labels.csv` */
  place: string;
}

interface Row {
  values: Map<string, unknown>;
  place: string;
}

/** Some ten million images; more would not fit into one JavaScript string. */
const maxBytes = 400e6;

const splits: Record<string, ManifestRow['split']> = {
  train: 'train',
  test: 'test',
  val: 'val',
  valid: 'val',
  validation: 'val',
};

/** Reads `path` whole: CSV with a header, or a JSON object a line. Errors: `ERR_DATA` with file and line. */
export async function readManifest(path: string): Promise<ManifestRow[]> {
  const text = await readText(path);
  const rows = extname(path).toLowerCase() === '.csv' ? csvRows(text, path) : jsonRows(text, path);
  const split = rows[0]?.values.has('split') ?? false;
  return rows.map((row) => toRow(row, split));
}

async function readText(path: string): Promise<string> {
  try {
    const found = await stat(path);
    // Opening a pipe or a device would block for ever.
    if (!found.isFile()) throw Object.assign(new Error('no regular file'), { code: 'EINVAL' });
    if (found.size > maxBytes) throw wrong(`a manifest of at most ${maxBytes} bytes`, path, `${found.size}`);
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw fileError('a readable manifest', path, cause);
    throw wrong('UTF-8', path, 'other bytes');
  }
}

function csvRows(text: string, path: string): Row[] {
  const [header, ...rows] = parseCsv(text, path);
  const columns = header?.fields.map((name) => name.trim()) ?? [];
  if (!columns.includes('path') || !columns.includes('label') || new Set(columns).size < columns.length) {
    const fix = 'The first line names the columns: path,label or path,label,split.';
    throw wrong(
      'columns path and label, each once,',
      `line ${header?.line ?? 1} of ${path}`,
      columns.join() || 'none',
      fix,
    );
  }
  return rows.map(({ line, fields }) => ({
    values: new Map(columns.map((name, i) => [name, fields[i]])),
    place: `line ${line} of ${path}`,
  }));
}

function jsonRows(text: string, path: string): Row[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    const place = `line ${i + 1} of ${path}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      value = undefined;
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw wrong('a JSON object', place, JSON.stringify(line.slice(0, 40)));
    }
    return [{ values: new Map(Object.entries(value)), place }];
  });
}

function toRow({ values, place }: Row, hasSplit: boolean): ManifestRow {
  const path = values.get('path');
  const label = values.get('label');
  const split = values.get('split');
  if (typeof path !== 'string' || path === '') throw wrong('a path', place, show(path));
  const labelled =
    typeof label === 'string' ? label !== '' : Number.isSafeInteger(label) && Number(label) >= 0;
  if (!labelled) throw wrong('a label', place, show(label));
  if (hasSplit !== values.has('split')) throw wrong('a split in every row or in none', place, show(split));
  const known = hasSplit && typeof split === 'string' ? splits[split] : null;
  if (hasSplit && !known) throw wrong('the split train, test or val', place, show(split));
  return { path, label: String(label), split: known ?? null, place };
}

function show(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value).slice(0, 80);
}

function wrong(expected: string, place: string, received: string, fix = 'Correct the line.'): SelfgradError {
  return new SelfgradError('ERR_DATA', `Expected ${expected} in ${place} but received ${received}.`, { fix });
}
