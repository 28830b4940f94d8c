/** A Parquet file: its footer, checked against the file before anything is believed, and its columns page by page. */
import { type FileHandle, open } from 'node:fs/promises';
import { parquetMetadata, type SchemaElement } from 'hyparquet';
import { SelfgradError } from '../../errors.ts';
import { fileError } from '../fileError.ts';
import { structEnd } from './thrift.ts';
import type { ParquetType } from './values.ts';

/** A column that holds values (a leaf of the schema) and does not repeat. */
export interface ParquetColumn {
  /** `image.bytes` */
  name: string;
  type: ParquetType;
  /** How many of the groups around it, and itself, may be missing: the highest definition level. */
  levels: number;
}

/** Where a column lies in one row group. */
export interface ParquetChunk {
  rows: number;
  start: number;
  end: number;
  codec: string;
}

export interface ParquetFile {
  path: string;
  rows: number;
  columns: readonly ParquetColumn[];
  /** Names of the columns at the top, for messages. */
  names: readonly string[];
  /** The file's own key and value pairs. */
  metadata: ReadonlyMap<string, string>;
  /** In the order of the rows. Errors: `ERR_DATA`. */
  chunks(column: ParquetColumn): ParquetChunk[];
}

/** The footer of a set of a million row groups would not be larger. */
const maxFooterBytes = 2 ** 26;

/** Rows of one group: pyarrow writes at most 2^20. */
const maxGroupRows = 2 ** 22;

const magic = 'PAR1';
const types: readonly string[] = ['BYTE_ARRAY', 'INT32', 'INT64'] satisfies ParquetType[];

/** Reads the footer. Errors: `ERR_DATA`. */
export async function openParquetFile(path: string): Promise<ParquetFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    const found = await handle.stat();
    if (!found.isFile()) throw Object.assign(new Error('no regular file'), { code: 'EINVAL' });
    const footer = await readFooter(handle, found.size);
    return describe(path, footer, found.size - footer.length);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall || (cause as NodeJS.ErrnoException).code === 'EINVAL')
      throw fileError('a readable file', path, cause);
    throw damaged(path, (cause as Error).message, cause);
  } finally {
    await handle?.close();
  }
}

/** @param reason what is wrong, after `received` */
export function damaged(path: string, reason: string, cause?: unknown): SelfgradError {
  if (cause instanceof SelfgradError) return cause;
  return new SelfgradError('ERR_DATA', `Expected a whole Parquet file in ${path} but received ${reason}.`, {
    fix: 'Write it again with usual options, or download it again.',
    cause,
  });
}

/** The footer with the eight bytes that follow it. */
async function readFooter(handle: FileHandle, size: number): Promise<Uint8Array> {
  const tail = Buffer.alloc(8);
  if (size >= 12) await handle.read(tail, 0, 8, size - 8);
  if (tail.toString('latin1', 4) !== magic) throw new Error(`another end than ${magic}`);
  const length = tail.readUInt32LE(0);
  if (length > size - 12) throw new Error(`a footer of ${length} bytes in a file of ${size}`);
  if (length > maxFooterBytes) throw new Error(`a footer of ${length} bytes`);
  // A buffer of its own: hyparquet reads what lies around a view.
  const footer = new Uint8Array(length + 8);
  await handle.read(footer, 0, footer.length, size - footer.length);
  structEnd(footer.subarray(0, length));
  return footer;
}

/** @param end where the pages end */
function describe(path: string, footer: Uint8Array, end: number): ParquetFile {
  const metadata = parquetMetadata(footer, { geoparquet: false });
  const { columns, names } = leaves(metadata.schema);
  let rows = 0;
  for (const { num_rows } of metadata.row_groups) {
    if (num_rows < 0 || num_rows > maxGroupRows) throw new Error(`a group of ${num_rows} rows`);
    rows += Number(num_rows);
  }
  if (BigInt(rows) !== metadata.num_rows) throw new Error(`${rows} rows instead of ${metadata.num_rows}`);
  return {
    path,
    rows,
    columns,
    names,
    metadata: new Map((metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value ?? ''])),
    chunks: ({ name }) =>
      metadata.row_groups.map((group) => {
        const found = group.columns.find(({ meta_data: of }) => of?.path_in_schema.join('.') === name);
        const meta = found?.meta_data;
        if (!meta || found.file_path) throw damaged(path, `a group of rows without ${name}`);
        // Some writers put 0 where there is no dictionary.
        const start = Number(meta.dictionary_page_offset || meta.data_page_offset);
        const stop = start + Number(meta.total_compressed_size);
        if (!(start >= magic.length && stop >= start && stop <= end))
          throw damaged(path, `pages of ${name} at ${start} … ${stop}, of which ${end} is the end`);
        return { rows: Number(group.num_rows), start, end: stop, codec: meta.codec };
      }),
  };
}

/** The leaves of the schema, which is listed depth first, each element with the number of its children. */
function leaves(schema: readonly SchemaElement[]): { columns: ParquetColumn[]; names: string[] } {
  const columns: ParquetColumn[] = [];
  const names: string[] = [];
  let at = 1;
  const visit = (count: number, path: string[], levels: number, repeats: boolean): void => {
    for (let i = 0; i < count; i++) {
      const element = schema[at++];
      if (!element) throw new Error('a schema that ends early');
      if (path.length === 0) names.push(element.name);
      const inner = [...path, element.name];
      const innerLevels = levels + (element.repetition_type === 'REQUIRED' ? 0 : 1);
      const innerRepeats = repeats || element.repetition_type === 'REPEATED';
      if (element.num_children) visit(element.num_children, inner, innerLevels, innerRepeats);
      else if (!innerRepeats && types.includes(element.type ?? ''))
        columns.push({ name: inner.join('.'), type: element.type as ParquetType, levels: innerLevels });
    }
  };
  visit(schema[0]?.num_children ?? 0, [], 0, false);
  return { columns, names };
}
