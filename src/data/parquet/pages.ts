/** The values of a column, one page in memory at a time; what a page's header claims is checked before it is read. */
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { PageHeader } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { decompressPage } from './decompress.ts';
import { damaged, type ParquetChunk, type ParquetColumn, type ParquetFile } from './file.ts';
import { structEnd } from './thrift.ts';
import { type ParquetValue, plainValues, runs } from './values.ts';

/** Statistics in a header hold up to two values: pyarrow writes none of more than 4 KB. */
const headerWindow = 2 ** 16;

/** One page of this size holds a thousand images of 512 KB. */
const maxPageBytes = 2 ** 29;

/** All values of a column in the order of the rows, in pieces. Errors: `ERR_DATA`. */
export async function* columnValues(
  file: ParquetFile,
  column: ParquetColumn,
): AsyncGenerator<ParquetValue[], void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file.path);
    for (const chunk of file.chunks(column)) yield* chunkValues(handle, chunk, column);
  } catch (cause) {
    throw damaged(file.path, (cause as Error).message, cause);
  } finally {
    await handle?.close();
  }
}

async function* chunkValues(
  handle: FileHandle,
  chunk: ParquetChunk,
  column: ParquetColumn,
): AsyncGenerator<ParquetValue[], void> {
  let dictionary: ParquetValue[] | null = null;
  let rows = 0;
  for (let at = chunk.start; rows < chunk.rows; ) {
    const window = await readAt(handle, at, Math.min(headerWindow, chunk.end - at));
    const headerBytes = structEnd(window);
    const header = parquetHeader({ view: new DataView(window.buffer), offset: 0 });
    const { compressed_page_size: packed, uncompressed_page_size: unpacked } = header;
    const start = at + headerBytes;
    if (!(packed >= 0 && packed <= chunk.end - start && unpacked >= 0 && unpacked <= maxPageBytes))
      throw new Error(`a page of ${packed} bytes that unpacks to ${unpacked}`);
    at = start + packed;
    const count = valueCount(header);
    if (count === null) continue;
    // A dictionary's values take 4 bytes and more.
    const most = header.type === 'DICTIONARY_PAGE' ? unpacked : chunk.rows - rows;
    if (!(count >= 0 && count <= most)) throw new Error(`a page of ${count} values`);
    const bytes = await readAt(handle, start, packed);
    if (header.crc !== undefined && crc32(bytes) !== header.crc >>> 0) throw new Error('another CRC-32');
    if (header.type === 'DICTIONARY_PAGE') {
      dictionary = plainValues(decompressPage(bytes, chunk.codec, unpacked), 0, column.type, count);
    } else {
      rows += count;
      yield pageValues(bytes, header, chunk, column, dictionary);
    }
  }
}

/** Null for a page without values (an index). */
function valueCount(header: PageHeader): number | null {
  const { data_page_header: first, data_page_header_v2: second, dictionary_page_header: words } = header;
  if (header.type === 'INDEX_PAGE') return null;
  const count =
    header.type === 'DICTIONARY_PAGE'
      ? words?.num_values
      : header.type === 'DATA_PAGE'
        ? first?.num_values
        : second?.num_values;
  if (count === undefined) throw new Error('a page of an unknown kind');
  return count;
}

function pageValues(
  bytes: Uint8Array,
  header: PageHeader,
  { codec }: ParquetChunk,
  { type, levels }: ParquetColumn,
  dictionary: ParquetValue[] | null,
): ParquetValue[] {
  const { data_page_header: first, data_page_header_v2: second, uncompressed_page_size: size } = header;
  const { num_values: count, encoding } = (header.type === 'DATA_PAGE' ? first : second)!;
  const width = 32 - Math.clz32(levels);
  let page: Uint8Array;
  let start = 0;
  let defined: Int32Array | null = null;
  if (header.type === 'DATA_PAGE') {
    page = decompressPage(bytes, codec, size);
    if (levels > 0) {
      start = 4 + new DataView(page.buffer, page.byteOffset, page.length).getUint32(0, true);
      defined = runs(part(page, 4, start), width, count);
    }
  } else {
    // Version 2 keeps the levels in front, not compressed.
    const { definition_levels_byte_length: length, repetition_levels_byte_length: none } = second!;
    if (none !== 0) throw new Error('a column that repeats');
    const head = part(bytes, 0, length);
    if (levels > 0) defined = runs(head, width, count);
    const body = bytes.subarray(length);
    page = second!.is_compressed === false ? body : decompressPage(body, codec, size - length);
  }
  const present = defined ? defined.reduce((sum, level) => sum + (level === levels ? 1 : 0), 0) : count;
  const values = encodedValues(page, start, encoding, type, present, dictionary);
  if (!defined) return values;
  let next = 0;
  return Array.from(defined, (level) => (level === levels ? (values[next++] as ParquetValue) : null));
}

function encodedValues(
  page: Uint8Array,
  start: number,
  encoding: string,
  type: ParquetColumn['type'],
  count: number,
  dictionary: ParquetValue[] | null,
): ParquetValue[] {
  if (encoding === 'PLAIN') return plainValues(page, start, type, count);
  if (encoding !== 'PLAIN_DICTIONARY' && encoding !== 'RLE_DICTIONARY')
    throw new Error(`values of the encoding ${encoding}`);
  if (count === 0) return [];
  const width = page[start];
  if (dictionary === null || width === undefined) throw new Error('a page without its dictionary');
  return Array.from(runs(page.subarray(start + 1), width, count), (index) => {
    const value = dictionary[index];
    if (value === undefined) throw new Error('an index beyond its dictionary');
    return value;
  });
}

function part(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (!(start <= end && end <= bytes.length)) throw new Error('levels beyond their page');
  return bytes.subarray(start, end);
}

async function readAt(handle: FileHandle, at: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  const { bytesRead } = await handle.read(bytes, 0, length, at);
  if (bytesRead < length) throw new Error('an end before its pages');
  return bytes;
}
