import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openIdx } from '../../../src/data/idx.ts';
import { packageRoot } from '../../../src/native/packageRoot.ts';
import { idxBytes, readAll, temporaryFolders } from './synthetic.ts';

const newFolder = temporaryFolders();

test('takes the images with the smallest keys of each class, in the order of the keys', async () => {
  const input = newFolder();
  const output = newFolder();
  const labels = Array.from({ length: 1203 }, (_, i) => (i < 203 ? 3 : 7));
  // The first two pixels of an image tell its index.
  const pixels = new Uint8Array(labels.length * 784);
  for (const i of labels.keys()) pixels.set([i >> 8, i & 255], i * 784);
  for (const split of ['train', 't10k']) {
    writeFileSync(
      join(input, `${split}-images-idx3-ubyte.gz`),
      gzipSync(idxBytes([labels.length, 28, 28], pixels)),
    );
    writeFileSync(join(input, `${split}-labels-idx1-ubyte.gz`), gzipSync(idxBytes([labels.length], labels)));
  }
  const script = join(packageRoot, 'scripts', 'make-embedded-dataset.mjs');
  execFileSync(process.execPath, [script, input, output], { stdio: 'pipe' });
  const key = (i: number) => createHash('sha256').update(`0:t10k:${i}`).digest('hex');
  const sorted = [...labels.keys()].sort((a, b) => key(a).localeCompare(key(b)));
  const chosen = new Set([3, 7].flatMap((label) => sorted.filter((i) => labels[i] === label).slice(0, 200)));
  const expected = sorted.filter((i) => chosen.has(i));
  const drawn = await readAll(await openIdx({ path: output, split: 'test' }));
  expect(drawn.labels.map((_, n) => drawn.images[n * 784]! * 256 + drawn.images[n * 784 + 1]!)).toEqual(
    expected,
  );
  expect(drawn.labels).toEqual(expected.map((i) => labels[i]));
  expect(readFileSync(join(output, 't10k-images-idx3-ubyte.gz'))[9]).toBe(255);
});
