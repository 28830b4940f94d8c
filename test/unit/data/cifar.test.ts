import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkedBatches } from '../../../src/data/checkedBatches.ts';
import { openCifar10, openCifar100 } from '../../../src/data/cifar.ts';
import { temporaryFolders } from './synthetic.ts';

const newFolder = temporaryFolders();

/** A sparse file of the right length, with `records` (label bytes, then one value for all pixels) put in. */
function writeRecords(
  file: string,
  count: number,
  labelBytes: number,
  records: Record<number, [number[], number]>,
): void {
  const recordBytes = labelBytes + 3072;
  writeFileSync(file, '');
  truncateSync(file, count * recordBytes);
  const handle = openSync(file, 'r+');
  for (const [index, [labels, pixel]] of Object.entries(records)) {
    writeSync(
      handle,
      Buffer.concat([Buffer.from(labels), Buffer.alloc(3072, pixel)]),
      0,
      recordBytes,
      Number(index) * recordBytes,
    );
  }
  closeSync(handle);
}

test('cifar10: reads the five training files in order', async () => {
  const path = newFolder();
  const inner = join(path, 'cifar-10-batches-bin');
  mkdirSync(inner);
  for (let i = 1; i <= 5; i++)
    writeRecords(join(inner, `data_batch_${i}.bin`), 10_000, 1, { 777: [[i], 50 + i] });
  const source = await openCifar10({ path });
  expect([source.name, source.count, source.channels, source.height, source.width]).toEqual([
    'cifar10',
    50_000,
    3,
    32,
    32,
  ]);
  const marked: number[][] = [];
  let position = 0;
  for await (const { images, labels, indices } of checkedBatches(source)) {
    for (let i = 0; i < labels.length; i++, position++) {
      if (indices[i] !== position) throw new Error(`index ${indices[i]} at ${position}`);
      if (labels[i] !== 0) marked.push([position, labels[i]!, images[i * 3072]!, images[i * 3072 + 3071]!]);
    }
  }
  expect(marked).toEqual([1, 2, 3, 4, 5].map((i) => [(i - 1) * 10_000 + 777, i, 50 + i, 50 + i]));
});

test('cifar100: takes the fine label, which comes second', async () => {
  const path = newFolder();
  writeRecords(join(path, 'test.bin'), 10_000, 2, { 9999: [[19, 98], 7] });
  const source = await openCifar100({ path, split: 'test' });
  expect([source.classes.length, new Set(source.classes).size, source.classes[98]]).toEqual([
    100,
    100,
    'woman',
  ]);
  let last: number[] = [];
  for await (const { images, labels, indices } of checkedBatches(source))
    last = [indices.at(-1)!, labels.at(-1)!, images.at(-1)!];
  expect(last).toEqual([9999, 98, 7]);
});

test('cifar10: a label of 10 is refused with its index', async () => {
  const path = newFolder();
  writeRecords(join(path, 'test_batch.bin'), 10_000, 1, { 4182: [[10], 0] });
  const source = await openCifar10({ path, split: 'test' });
  await expect(async () => {
    for await (const _ of checkedBatches(source));
  }).rejects.toMatchObject({
    code: 'ERR_LABEL',
    message:
      'Label 10 at index 4182 of the test set of cifar10 is outside 0…9 (10 classes). Correct the label or name every class.',
  });
});

test.each([0, 1, 3072, 3073, 30_729_999, 30_730_001])(
  'cifar10: a file of %d bytes is refused',
  async (bytes) => {
    const path = newFolder();
    const file = join(path, 'test_batch.bin');
    writeFileSync(file, '');
    truncateSync(file, bytes);
    await expect(openCifar10({ path, split: 'test' })).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: `Expected 30730000 bytes (10000 records of cifar10) for ${file} but received ${bytes} bytes. The file is damaged: download or copy it again.`,
    });
  },
);

test('a missing file, a missing folder and an archive are named', async () => {
  const path = newFolder();
  await expect(openCifar100({ path })).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: `Expected a readable file at ${join(path, 'train.bin')} but received nothing there (ENOENT). Check the path and its permissions.`,
  });
  const gone = join(path, 'gone');
  await expect(openCifar10({ path: gone })).rejects.toThrow(
    `Expected the folder cifar-10-batches-bin at ${gone} but received nothing there (ENOENT).`,
  );
  const archive = join(path, 'cifar-10-binary.tar.gz');
  writeFileSync(archive, 'x');
  await expect(openCifar10({ path: archive })).rejects.toThrow(
    `Expected a folder for data.path but received the file ${archive}. Unpack the archive and give the folder cifar-10-batches-bin.`,
  );
});

test('any records read back as they were written, and a label beyond the classes is refused where it stands', async () => {
  const record = fc.tuple(fc.nat(9_999), fc.tuple(fc.nat(19), fc.nat(110)), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(record, { selector: ([index]) => index, maxLength: 8 }),
      async (records) => {
        const path = newFolder();
        writeRecords(
          join(path, 'test.bin'),
          10_000,
          2,
          Object.fromEntries(records.map(([index, labels, pixel]) => [index, [labels, pixel]])),
        );
        const wanted = new Map(records.map(([index, [, fine], pixel]) => [index, [fine, pixel, pixel]]));
        const wrong = records.filter(([, [, fine]]) => fine >= 100).map(([index]) => index);
        const source = await openCifar100({ path, split: 'test' });
        const read = async () => {
          for await (const { images, labels, indices } of checkedBatches(source)) {
            for (const [i, index] of indices.entries()) {
              const found = [labels[i], images[i * 3072], images[i * 3072 + 3071]];
              const expected = wanted.get(index) ?? [0, 0, 0];
              if (found.join() !== expected.join()) throw new Error(`${found} at ${index}, not ${expected}`);
            }
          }
        };
        if (wrong.length === 0) return read();
        await expect(read()).rejects.toMatchObject({
          code: 'ERR_LABEL',
          message: expect.stringContaining(`at index ${Math.min(...wrong)} of`),
        });
      },
    ),
    { numRuns: 15 },
  );
});
