import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openSafetensors } from '../../../src/data/safetensors.ts';
import { SelfgradError } from '../../../src/errors.ts';
import { damaged, numbers, safetensorsBytes, safetensorsWith } from './arrayFiles.ts';
import { readAll, temporaryFolders } from './synthetic.ts';

const newFolder = temporaryFolders();

const pixels = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const images = { dtype: 'U8', shape: [2, 2, 3], bytes: Uint8Array.from(pixels) };
const labels = { dtype: 'I64', shape: [2], bytes: numbers('<i8', [1, 0]) };
const content = { images: pixels, labels: [1, 0], indices: [0, 1] };

function fileWith(bytes: Uint8Array, name = 'train.safetensors'): string {
  const path = join(newFolder(), name);
  writeFileSync(path, bytes);
  return path;
}

async function refusal(bytes: Uint8Array): Promise<string> {
  const path = fileWith(bytes);
  const outcome = await openSafetensors({ path })
    .then(readAll)
    .catch((error: unknown) => error);
  if (!(outcome instanceof SelfgradError)) throw new Error(`not refused: ${outcome}`);
  return `${outcome.code} ${outcome.message.replaceAll(path, 'FILE')}`;
}

const types = fc.constantFrom<[string, string]>(
  ['U8', '|u1'],
  ['I8', '|i1'],
  ['U16', '<u2'],
  ['I16', '<i2'],
  ['U32', '<u4'],
  ['I32', '<i4'],
  ['U64', '<u8'],
  ['I64', '<i8'],
);

test('reads back what was written, in any order and among other tensors', async () => {
  const set = fc.record({
    count: fc.integer({ min: 1, max: 9 }),
    side: fc.integer({ min: 1, max: 5 }),
    floats: fc.constantFrom<[string, string] | null>(null, ['F32', '<f4'], ['F64', '<f8']),
    type: types,
    labelsFirst: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(set, fc.infiniteStream(fc.nat(255)), async (facts, stream) => {
      const { count, side, floats, type, labelsFirst } = facts;
      const bytes = [...stream.take(count * 3 * side * side)];
      const wanted = [...stream.take(count)].map((byte) => byte % 10);
      const tensors = [
        [
          'images',
          {
            dtype: floats?.[0] ?? 'U8',
            shape: [count, 3, side, side],
            bytes: numbers(floats?.[1] ?? '|u1', floats ? bytes.map((byte) => byte / 255) : bytes),
          },
        ],
        ['masks', { dtype: 'F8_E4M3', shape: [5], bytes: new Uint8Array(5) }],
        ['labels', { dtype: type[0], shape: [count], bytes: numbers(type[1], wanted) }],
      ] as const;
      const path = fileWith(
        safetensorsBytes(Object.fromEntries(labelsFirst ? tensors.toReversed() : tensors)),
      );
      const source = await openSafetensors({ path, layout: 'nchw' });
      expect([source.channels, source.height, source.width]).toEqual([3, side, side]);
      expect(source.classes.length).toBe(Math.max(...wanted) + 1);
      if (source.classes.length > 1)
        expect(await readAll(source)).toEqual({
          images: bytes,
          labels: wanted,
          indices: wanted.map((_, i) => i),
        });
    }),
    { numRuns: 50 },
  );
});

test('a folder holds a file for each split; a header whose length begins like gzip is read', async () => {
  const padding = 'x'.repeat(0x8b1f - JSON.stringify({ __metadata__: { a: '' } }).length);
  const path = fileWith(safetensorsBytes({ images, labels }));
  expect(await readAll(await openSafetensors({ path: join(path, '..') }))).toEqual(content);
  const header = JSON.stringify({
    images: { dtype: 'U8', shape: [2, 2, 3], data_offsets: [0, 12] },
    labels: { dtype: 'U8', shape: [2], data_offsets: [12, 14] },
    __metadata__: { a: '' },
  });
  const long = header.replace('"a":""', `"a":"${padding.slice(0, 0x8b1f - header.length)}"`);
  const bytes = safetensorsWith(long, Uint8Array.from([...pixels, 1, 0]));
  expect([bytes[0], bytes[1]]).toEqual([0x1f, 0x8b]);
  expect(await readAll(await openSafetensors({ path: fileWith(bytes) }))).toEqual(content);
});

const fix = 'Check that the file is a whole safetensors file.';
const entry = (dtype: string, shape: unknown, offsets: unknown) => ({ dtype, shape, data_offsets: offsets });
const headed = (header: object, size = 12) => safetensorsWith(JSON.stringify(header), Buffer.alloc(size));

test.each<[string, Uint8Array, string]>([
  [
    'a header longer than the file',
    Buffer.from('ffffffffffffffff7b7d', 'hex'),
    `a header of at most 2 bytes in the header of FILE but received ${2 ** 64}.`,
  ],
  [
    'a header of more than a megabyte',
    safetensorsWith(' '.repeat(2 ** 20 + 1), Buffer.alloc(9)),
    'a header of at most 1048576 bytes in the header of FILE but received 1048577.',
  ],
  [
    'a header that is no JSON',
    safetensorsWith('{"images":', Buffer.alloc(0)),
    'a JSON object in the header of FILE but received "{\\"images\\":".',
  ],
  [
    'a list as header',
    safetensorsWith('[]', Buffer.alloc(0)),
    'a JSON object in the header of FILE but received "[]".',
  ],
  [
    'an entry without a shape',
    headed({ images: { dtype: 'U8', data_offsets: [0, 12] } }),
    'dtype, shape and data_offsets for images in the header of FILE but received {"dtype":"U8","data_offsets":[0,12]}.',
  ],
  [
    'an entry of nothing',
    headed({ images: null }),
    'dtype, shape and data_offsets for images in the header of FILE but received null.',
  ],
  [
    'a negative offset',
    headed({ images: entry('U8', [12], [-12, 0]) }),
    'dtype, shape and data_offsets for images in the header of FILE but received {"dtype":"U8","shape":[12],"data_offsets":[-12,0]}.',
  ],
  [
    'a shape that overflows',
    headed({ images: entry('F64', [2 ** 40, 2 ** 40], [0, 12]) }),
    '9671406556917033397649408 bytes for images (F64 of 1099511627776×1099511627776) in the header of FILE but received 0 … 12.'.replace(
      '9671406556917033397649408',
      String(8 * 2 ** 80),
    ),
  ],
  [
    'a gap',
    headed({ images: entry('U8', [4], [0, 4]), labels: entry('U8', [4], [8, 12]) }),
    'labels to begin at 4, where the one before ends in the header of FILE but received 8.',
  ],
  [
    'an overlap',
    headed({ images: entry('U8', [8], [0, 8]), labels: entry('U8', [8], [4, 12]) }),
    'labels to begin at 8, where the one before ends in the header of FILE but received 4.',
  ],
  [
    'bytes behind the last tensor',
    headed({ images: entry('U8', [4], [0, 4]) }),
    'tensors of 12 bytes, as many as the file holds in the header of FILE but received 4.',
  ],
  [
    'a tensor behind the end of the file',
    headed({ images: entry('U8', [13], [0, 13]) }),
    'tensors of 12 bytes, as many as the file holds in the header of FILE but received 13.',
  ],
])('%s is refused', async (_, bytes, message) => {
  expect(await refusal(bytes)).toBe(`ERR_DATA Expected ${message} ${fix}`);
});

test('images of a type without levels are not found, other arrays are named', async () => {
  expect(await refusal(safetensorsBytes({ images: { ...images, dtype: 'BOOL' }, labels }))).toBe(
    'ERR_DATA Expected the array images in FILE but received labels. Name the arrays with data.images and data.labels.',
  );
});

test('random damage is refused or changes values only, never the rest', async () => {
  const whole = safetensorsBytes({ images, labels });
  const path = fileWith(whole);
  await fc.assert(
    fc.asyncProperty(damaged(whole), async (written) => {
      writeFileSync(path, written);
      const outcome = await openSafetensors({ path })
        .then(readAll)
        .catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(SelfgradError);
      else {
        // The format has no sums: what was read is what the file holds.
        expect(written.length).toBe(whole.length);
        expect((outcome as { images: number[] }).images).toEqual([...written.subarray(-28, -16)]);
      }
    }),
    { numRuns: 300 },
  );
});
