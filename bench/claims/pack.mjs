/**
 * CIFAR-10 as pictures (`train/CLASS/*`, `test/CLASS/*`, as a JPEG copy comes) to the binary files that the comparison
 * reads: one picture of each class in turn, by name, so that every prefix is balanced.
 *
 *     node bench/claims/pack.mjs PICTURES FOLDER
 *
 * Prints the SHA-256 of each file. Decoding is libjpeg-turbo's, by sharp: another decoder may differ by a level.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';

const classes = 'airplane automobile bird cat deer dog frog horse ship truck'.split(' ');
const side = 32;

/** The records of a split: a label byte and 3·32·32 bytes each. Fails unless all classes have equally many pictures. */
export async function pack(folder) {
  const names = classes.map((name) => readdirSync(join(folder, name)).sort());
  const count = names[0].length;
  const odd = names.findIndex((list) => list.length !== count);
  if (odd !== -1) {
    throw new Error(
      `Expected ${count} pictures of ${classes[odd]} in ${folder} but found ${names[odd].length}.`,
    );
  }
  const recordBytes = 1 + 3 * side * side;
  const records = Buffer.alloc(10 * count * recordBytes);
  const readRow = async (row) => {
    for (const [label, name] of classes.entries()) {
      const file = join(folder, name, names[label][row]);
      const { data, info } = await sharp(file)
        .toColourspace('srgb')
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      if (info.width !== side || info.height !== side || info.channels !== 3) {
        throw new Error(`Expected ${side} x ${side} pixels of 3 channels in ${file}.`);
      }
      const start = (10 * row + label) * recordBytes;
      records[start] = label;
      for (let i = 0; i < data.length; i++) {
        records[start + 1 + (i % 3) * side * side + Math.floor(i / 3)] = data[i];
      }
    }
  };
  for (let first = 0; first < count; first += 64) {
    await Promise.all(Array.from({ length: Math.min(64, count - first) }, (_, i) => readRow(first + i)));
  }
  return records;
}

async function main([pictures, out]) {
  if (out === undefined) throw new Error('Expected two folders: node bench/claims/pack.mjs PICTURES FOLDER');
  const folder = join(out, 'cifar-10-batches-bin');
  mkdirSync(folder, { recursive: true });
  for (const [split, files] of [
    ['train', [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`)],
    ['test', ['test_batch.bin']],
  ]) {
    const records = await pack(join(pictures, split));
    if (records.length !== files.length * 10_000 * 3073) {
      throw new Error(
        `Expected ${files.length * 10_000} pictures in ${join(pictures, split)} but found ${records.length / 3073}.`,
      );
    }
    for (const [i, file] of files.entries()) {
      const part = records.subarray(i * 10_000 * 3073, (i + 1) * 10_000 * 3073);
      writeFileSync(join(folder, file), part);
      console.log(`${createHash('sha256').update(part).digest('hex')}  ${file}`);
    }
  }
}

if (import.meta.url === pathToFileURL(argv[1]).href) await main(argv.slice(2));
