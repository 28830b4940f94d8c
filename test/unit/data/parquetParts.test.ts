/** The parts of the Parquet reader that see bytes first: snappy, runs, plain values, Thrift. */
import { brotliCompressSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { decompressPage } from '../../../src/data/parquet/decompress.ts';
import { unsnap } from '../../../src/data/parquet/snappy.ts';
import { structEnd } from '../../../src/data/parquet/thrift.ts';
import { plainValues, runs } from '../../../src/data/parquet/values.ts';

test('snappy: a literal, copies near and far, and one that overlaps itself', () => {
  // abcd, then 8 bytes from 4 back, then x repeated 5 times.
  const block = [17, 3 << 2, 97, 98, 99, 100, (4 << 2) | 1, 4, 0, 120, (3 << 2) | 2, 1, 0];
  expect(Buffer.from(unsnap(Uint8Array.from(block), 17)).toString()).toBe('abcdabcdabcdxxxxx');
});

test.each<[string, number[], number]>([
  ['a literal longer than the block', [4, 3 << 2, 97], 4],
  ['a literal of four gigabytes', [4, 63 << 2, 255, 255, 255, 255, 97], 4],
  ['a copy from before the beginning', [4, 0, 97, (0 << 2) | 1, 2], 5],
  ['a copy from nowhere', [4, 0, 97, (0 << 2) | 1, 0], 5],
  ['more than was claimed', [1, 1 << 2, 97, 98], 1],
  ['less than was claimed', [1, 0, 97], 2],
  ['an end in a tag', [4, (3 << 2) | 2, 1], 4],
])('snappy: refuses %s', (_, block, size) => {
  expect(() => unsnap(Uint8Array.from(block), size)).toThrow(/Snappy/);
});

test('snappy: any bytes end, in a block of the size or in an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(200), (bytes, size) => {
      let block: Uint8Array | null = null;
      try {
        block = unsnap(bytes, size);
      } catch (error) {
        expect((error as Error).message).toMatch(/Snappy/);
      }
      if (block) expect(block.length).toBe(size);
    }),
    { numRuns: 2000 },
  );
});

test('runs: what is packed and what repeats', () => {
  // Parquet's own example: 0 … 7 of 3 bits are 10001000 11000110 11111010; then 5 four times.
  const bytes = Uint8Array.from([0b11, 0b10001000, 0b11000110, 0b11111010, 8, 5]);
  expect([...runs(bytes, 3, 12)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 5, 5, 5, 5]);
  expect([...runs(Uint8Array.from([6]), 0, 3)]).toEqual([0, 0, 0]);
});

test('runs: a run of two thousand million values fills no more than is asked for', () => {
  expect([...runs(Uint8Array.from([0xfe, 0xff, 0xff, 0xff, 0x0f, 1]), 1, 3)]).toEqual([1, 1, 1]);
});

test.each<[number[], number, string]>([
  [[], 1, 'a run beyond its page'],
  [[0], 1, 'a run of no values'],
  [[3], 4, 'a run beyond its page'],
  [[0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 1], 1, 'a run of too many values'],
  [[2, 0], 33, 'integers of 33 bits'],
])('runs: refuses %j of width %d', (bytes, width, message) => {
  expect(() => runs(Uint8Array.from(bytes), width, 1)).toThrow(message);
});

test('runs: packed integers of any width come back', () => {
  const packed = fc
    .integer({ min: 1, max: 32 })
    .chain((width) =>
      fc.tuple(
        fc.constant(width),
        fc.array(fc.nat(2 ** Math.min(width, 31) - 1), { minLength: 8, maxLength: 8 }),
      ),
    );
  fc.assert(
    fc.property(packed, ([width, values]) => {
      const bits = values.flatMap((value) =>
        Array.from({ length: width }, (_, i) => Math.floor(value / 2 ** i) % 2),
      );
      const bytes = Array.from({ length: width }, (_, i) =>
        bits.slice(8 * i, 8 * i + 8).reduce((sum, bit, place) => sum + bit * 2 ** place, 0),
      );
      expect([...runs(Uint8Array.from([3, ...bytes]), width, 8)]).toEqual(values);
    }),
  );
});

test('plain values: a length beyond the page is refused', () => {
  expect(plainValues(Uint8Array.from([1, 0, 0, 0, 9]), 0, 'BYTE_ARRAY', 1)).toEqual([Uint8Array.of(9)]);
  expect(() => plainValues(Uint8Array.from([2, 0, 0, 0, 9]), 0, 'BYTE_ARRAY', 1)).toThrow(
    'a value beyond its page',
  );
  expect(() => plainValues(Uint8Array.from([2, 0, 0]), 0, 'INT32', 1)).toThrow(RangeError);
});

test('thrift: ends where the struct of a footer ends, and refuses every shorter one', () => {
  const file = Buffer.from(
    parquetWriteBuffer({ columnData: [{ name: 'label', data: [1, 2, 3], type: 'INT32' }] }),
  );
  const length = file.readUInt32LE(file.length - 8);
  const footer = file.subarray(file.length - 8 - length, file.length - 8);
  expect(structEnd(footer)).toBe(length);
  for (let end = 0; end < length; end++) expect(() => structEnd(footer.subarray(0, end))).toThrow();
});

test.each<[string, number[]]>([
  ['a list of two thousand million', [0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x07, 0]],
  ['bytes beyond the end', [0x18, 100, 0]],
  ['structs in structs for ever', Array(1000).fill(0x1c)],
  ['lists in lists for ever', [0x19, ...Array(1000).fill(0x19)]],
  ['a field of no type', [0x1d, 0]],
  ['a number of eleven bytes', [0x16, ...Array(11).fill(0xff), 0]],
])('thrift: refuses %s', (_, bytes) => {
  expect(() => structEnd(Uint8Array.from(bytes))).toThrow(/^(a|lists|structs) /);
});

test('a page that unpacks to another size is refused, however it is compressed', () => {
  for (const codec of ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'BROTLI', 'ZSTD'])
    expect(() => decompressPage(Uint8Array.from([1, 2, 3]), codec, 7)).toThrow();
});

test.each([
  ['GZIP', (bytes: Buffer) => gzipSync(bytes)],
  ['BROTLI', (bytes: Buffer) => brotliCompressSync(bytes)],
  // pyarrow.compress(b'abc' * 40, 'zstd')
  ['ZSTD', () => Buffer.from('KLUv/SB4VQAAGGFiYwEA0tQNAQ==', 'base64')],
])('%s pages are unpacked, up to the size that is claimed', (codec, compress) => {
  const content = Buffer.from('abc'.repeat(40));
  expect(Buffer.from(decompressPage(compress(content), codec, 120)).equals(content)).toBe(true);
  for (const size of [0, 119, 121]) expect(() => decompressPage(compress(content), codec, size)).toThrow();
});
