import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openIdx } from '../../../src/data/idx.ts';
import { SelfgradError } from '../../../src/errors.ts';
import { idxBytes, idxPair, readAll, temporaryFolders, writeIdxPair } from './synthetic.ts';

const newFolder = temporaryFolders();

async function readPair(pair = idxPair(), gzip = false) {
  const path = newFolder();
  writeIdxPair(path, pair, gzip);
  const images = join(path, `train-images-idx3-ubyte${gzip ? '.gz' : ''}`);
  const labels = join(path, `train-labels-idx1-ubyte${gzip ? '.gz' : ''}`);
  const outcome = await openIdx({ path })
    .then(readAll)
    .catch((error: unknown) => error as SelfgradError);
  return { outcome, images, labels };
}

/** Reads a pair that must be refused; the message, with paths shortened to IMAGES and LABELS. */
async function refusal(pair: Parameters<typeof readPair>[0], gzip = false): Promise<string> {
  const { outcome, images, labels } = await readPair(pair, gzip);
  if (!(outcome instanceof SelfgradError)) throw new Error('the pair was read');
  return `${outcome.code} ${outcome.message.replaceAll(images, 'IMAGES').replaceAll(labels, 'LABELS')}`;
}

const damaged = 'The file is damaged: download or copy it again.';

test.each([false, true])('reads back what was written (gzip: %s)', async (gzip) => {
  const sizes = fc.record({
    count: fc.integer({ min: 1, max: 40 }),
    height: fc.integer({ min: 1, max: 9 }),
    width: fc.integer({ min: 1, max: 9 }),
  });
  await fc.assert(
    fc.asyncProperty(sizes, fc.infiniteStream(fc.nat(255)), async ({ count, height, width }, stream) => {
      const pixels = [...stream.take(count * height * width)];
      const labels = [...stream.take(count)].map((byte) => byte % 10);
      const pair = { images: idxBytes([count, height, width], pixels), labels: idxBytes([count], labels) };
      const { outcome } = await readPair(pair, gzip);
      expect(outcome).toEqual({ images: pixels, labels, indices: labels.map((_, i) => i) });
    }),
    { numRuns: 25 },
  );
});

test('knows the facts before it is iterated', async () => {
  const path = newFolder();
  writeIdxPair(path, idxPair(7));
  const { count, channels, height, width, split, classes, note, name } = await openIdx({
    path,
    name: 'seven',
  });
  expect({ count, channels, height, width, split, classes, note, name }).toEqual({
    count: 7,
    channels: 1,
    height: 3,
    width: 2,
    split: 'train',
    note: null,
    name: 'seven',
    classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  });
});

test('reads images in several batches and can be iterated twice', async () => {
  const count = 1500;
  const pixels = new Uint8Array(count * 784).map((_, i) => (i * 7) % 251);
  const path = newFolder();
  writeIdxPair(
    path,
    { images: idxBytes([count, 28, 28], pixels), labels: idxBytes([count], new Uint8Array(count)) },
    true,
  );
  const source = await openIdx({ path });
  for (let round = 0; round < 2; round++) {
    const batches = [];
    for await (const { images } of source) batches.push(images);
    expect(batches.length).toBeGreaterThan(1);
    expect(Buffer.concat(batches).equals(pixels)).toBe(true);
  }
});

test('finds the test split under both of its names, and classes in classes.txt', async () => {
  for (const prefix of ['t10k', 'test']) {
    const path = newFolder();
    const { images, labels } = idxPair(2);
    writeFileSync(join(path, `${prefix}-images.idx3-ubyte`), images);
    writeFileSync(join(path, `${prefix}-labels-idx1-ubyte.gz`), gzipSync(labels));
    writeFileSync(join(path, 'classes.txt'), 'cat\r\ndog\n\n');
    const source = await openIdx({ path, split: 'test' });
    expect(source.classes).toEqual(['cat', 'dog']);
    expect((await readAll(source)).labels).toEqual([0, 1]);
  }
});

test('a truncated plain file is refused before it is read, wherever it ends', async () => {
  const { images, labels } = idxPair();
  for (const end of [0, 3, 4, 15]) {
    const what = end < 4 ? '4 bytes of magic number at offset 0' : '12 bytes of dimensions at offset 4';
    expect(await refusal({ images: images.subarray(0, end), labels })).toBe(
      `ERR_DATA Expected ${what} of IMAGES but the content ends at ${end}. ${damaged}`,
    );
  }
  for (const end of [16, 17, images.length - 1]) {
    expect(await refusal({ images: images.subarray(0, end), labels })).toBe(
      `ERR_DATA Expected 136 bytes (a header and 20 images of 3×2) for IMAGES but received ${end} bytes. ${damaged}`,
    );
  }
  expect(await refusal({ images, labels: labels.subarray(0, 27) })).toBe(
    `ERR_DATA Expected 28 bytes (a header and 20 labels) for LABELS but received 27 bytes. ${damaged}`,
  );
});

test('content that ends early inside whole gzip data is refused with the offset', async () => {
  const { images, labels } = idxPair();
  expect(await refusal({ images: images.subarray(0, 100), labels }, true)).toBe(
    `ERR_DATA Expected 120 bytes of images 0 … 19 at offset 16 of IMAGES but the content ends at 100. ${damaged}`,
  );
  expect(await refusal({ images, labels: labels.subarray(0, 20) }, true)).toBe(
    `ERR_DATA Expected 20 bytes of labels at offset 8 of LABELS but the content ends at 20. ${damaged}`,
  );
});

test('gzip data that ends early or was altered is refused', async () => {
  const path = newFolder();
  writeIdxPair(path, idxPair(), true);
  const file = join(path, 'train-images-idx3-ubyte.gz');
  const whole = gzipSync(idxPair().images);
  writeFileSync(file, whole.subarray(0, whole.length - 9));
  await expect(openIdx({ path }).then(readAll)).rejects.toThrow(
    `Expected valid gzip data in ${file} but received "unexpected end of file" beyond offset`,
  );
  const wrongSum = Buffer.from(whole);
  wrongSum.writeUInt32LE(1, whole.length - 8);
  writeFileSync(file, wrongSum);
  await expect(openIdx({ path }).then(readAll)).rejects.toThrow(
    `Expected valid gzip data in ${file} but received "incorrect data check" beyond offset`,
  );
});

test('trailing bytes are refused: in a plain file, in the content of a gzip file, behind gzip data', async () => {
  const { images, labels } = idxPair();
  const longer = Buffer.concat([images, Buffer.from([1])]);
  expect(await refusal({ images: longer, labels })).toContain(
    'Expected 136 bytes (a header and 20 images of 3×2) for IMAGES but received 137 bytes.',
  );
  const end = `ERR_DATA Expected the end of IMAGES at offset 136 of its content but received further bytes. ${damaged}`;
  expect(await refusal({ images: longer, labels }, true)).toBe(end);
  const path = newFolder();
  writeIdxPair(path, { images, labels }, true);
  const file = join(path, 'train-images-idx3-ubyte.gz');
  writeFileSync(file, Buffer.concat([gzipSync(images), Buffer.from('garbage')]));
  await expect(openIdx({ path }).then(readAll)).rejects.toThrow(
    `Expected valid gzip data in ${file} but received`,
  );
  writeFileSync(file, Buffer.concat([gzipSync(images), Buffer.alloc(3)]));
  await expect(openIdx({ path }).then(readAll)).rejects.toThrow(`Expected the end of ${file} at offset 136`);
});

test('a wrong magic number is refused and named', async () => {
  const { images, labels } = idxPair();
  const expected =
    'ERR_DATA Expected the magic number 00000803 (IDX images: rank 3, unsigned bytes) at offset 0 of IMAGES but received';
  const fix = 'Check that the file is the right one and is whole.';
  expect(await refusal({ images: labels, labels })).toBe(
    `${expected} 00000801 (IDX of rank 1 of unsigned bytes). ${fix}`,
  );
  const floats = Buffer.from(images);
  floats[2] = 0x0d;
  expect(await refusal({ images: floats, labels })).toBe(
    `${expected} 00000d03 (IDX of rank 3 of 32-bit floats). ${fix}`,
  );
  expect(await refusal({ images: Buffer.from('<html>'), labels })).toBe(
    `${expected} 3c68746d (no IDX file). ${fix}`,
  );
});

test('a header that claims gigabytes is refused without allocating them', async () => {
  const { labels } = idxPair();
  const hostile = idxBytes([0xffffffff, 0xffff, 0xffff], []);
  const before = process.memoryUsage().rss;
  for (const gzip of [false, true]) {
    expect(await refusal({ images: hostile, labels }, gzip)).toContain(
      '(a header and 4294967295 images of 65535×65535) for IMAGES but received',
    );
    expect(await refusal({ ...idxPair(), labels: idxBytes([0xffffffff], []) }, gzip)).toContain(
      'Expected 4294967303 bytes (a header and 4294967295 labels) for LABELS',
    );
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
});

test('a claim that gzip data could just hold is not allocated before the data is there', async () => {
  // 0.5 MB that no compression shrinks: could stand for 500 MB, holds 0.5 MB.
  const noise = createHash('shake256', { outputLength: 500_000 }).digest();
  const images = idxBytes([1, 20_000, 25_000], noise);
  const before = process.memoryUsage().arrayBuffers;
  expect(await refusal({ images, labels: idxBytes([1], [0]) }, true)).toBe(
    `ERR_DATA Expected 500000000 bytes of images 0 … 0 at offset 16 of IMAGES but the content ends at 500016. ${damaged}`,
  );
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100e6);
});

test('a gzip bomb is not unpacked beyond what its header claims', async () => {
  const bomb = Buffer.concat([idxPair().images, Buffer.alloc(50e6)]);
  expect(await refusal({ images: bomb, labels: idxPair().labels }, true)).toBe(
    `ERR_DATA Expected the end of IMAGES at offset 136 of its content but received further bytes. ${damaged}`,
  );
});

test('images without height are refused', async () => {
  expect(await refusal({ images: idxBytes([2, 0, 5], []), labels: idxBytes([2], [0, 1]) })).toBe(
    'ERR_DATA Expected images of at least 1×1 at offset 8 of IMAGES but received 0×5. The header is damaged: download or copy the file again.',
  );
});

test('another number of labels than of images is refused', async () => {
  expect(await refusal({ images: idxPair(20).images, labels: idxPair(19).labels })).toBe(
    'ERR_DATA Expected 20 labels, one for each image of IMAGES, at offset 4 of LABELS but received 19. The two files belong to different sets: use a pair.',
  );
});

test('a label beyond the classes is refused with its index', async () => {
  const pair = idxPair();
  pair.labels[8 + 13] = 10;
  expect(await refusal(pair)).toMatch(
    /^ERR_LABEL Label 10 at index 13 of the train set of selfgrad-data-\w+ is outside 0…9 \(10 classes\)\. Correct the label or name every class\.$/,
  );
});

test('a set without images is refused', async () => {
  expect(await refusal(idxPair(0))).toMatch(
    /^ERR_DATA Expected at least one image for the train set of selfgrad-data-\w+ but received 0\. Check that data\.path points at the right data\.$/,
  );
});

test('a missing, dangling or unreadable file is named', async () => {
  const path = newFolder();
  await expect(openIdx({ path })).rejects.toThrow(
    `Expected train-images-idx3-ubyte or train-images-idx3-ubyte.gz in ${path} but received neither. Give the folder that holds the IDX files as data.path.`,
  );
  writeIdxPair(path, idxPair());
  const labels = join(path, 't10k-labels-idx1-ubyte');
  writeFileSync(join(path, 't10k-images-idx3-ubyte'), idxPair().images);
  mkdirSync(labels);
  await expect(openIdx({ path, split: 'test' })).rejects.toThrow(
    `Expected a readable file at ${labels} but received a directory (EISDIR). Check the path and its permissions.`,
  );
  mkdirSync(join(path, 'classes.txt'));
  await expect(openIdx({ path })).rejects.toThrow(
    `Expected a readable list of class names at ${join(path, 'classes.txt')} but received a directory (EISDIR).`,
  );
  const dangling = newFolder();
  writeIdxPair(dangling, idxPair());
  symlinkSync(join(dangling, 'gone'), join(dangling, 't10k-images-idx3-ubyte'));
  await expect(openIdx({ path: dangling, split: 'test' })).rejects.toThrow(
    'Expected t10k-images-idx3-ubyte or',
  );
});

test.each([false, true])('random damage is read or refused, never anything else (gzip: %s)', async (gzip) => {
  const path = newFolder();
  const whole = idxPair(50);
  writeIdxPair(path, whole, gzip);
  const names = ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'].map(
    (name) => name + (gzip ? '.gz' : ''),
  );
  const contents = [whole.images, whole.labels].map((bytes) => (gzip ? gzipSync(bytes) : bytes));
  const damage = fc.record({
    file: fc.nat(1),
    keep: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.boolean(),
    flips: fc.array(fc.nat(1 << 20), { maxLength: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ file, keep, cut, flips }) => {
      const bytes = Buffer.from(contents[file]!);
      for (const flip of flips) bytes[(flip >> 3) % bytes.length]! ^= 1 << (flip & 7);
      writeFileSync(
        join(path, names[file]!),
        cut ? bytes.subarray(0, Math.floor(keep * bytes.length)) : bytes,
      );
      const outcome = await openIdx({ path })
        .then(readAll)
        .catch((error: unknown) => error);
      writeFileSync(join(path, names[file]!), contents[file]!);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(SelfgradError);
    }),
    { numRuns: 150 },
  );
});
