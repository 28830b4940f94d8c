/**
 * Draws the embedded data set from Fashion-MNIST:
 *   node scripts/make-embedded-dataset.mjs INPUT_FOLDER [OUTPUT_FOLDER]
 * INPUT_FOLDER holds the four original .gz files (Debian: dataset-fashion-mnist, in share/datasets/fashion-mnist);
 * OUTPUT_FOLDER defaults to assets/fashion-mnist.
 *
 * Image i of a split gets the key SHA-256("seed:split:i"). Of each class the images with the smallest keys are
 * taken (stratified), and all that were taken are written in the order of their keys (shuffled).
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';

const seed = 0;
const perClass = { train: 1000, t10k: 200 };

const [input, output = fileURLToPath(new URL('../assets/fashion-mnist', import.meta.url))] =
  process.argv.slice(2);
if (!input) {
  console.error('usage: node scripts/make-embedded-dataset.mjs INPUT_FOLDER [OUTPUT_FOLDER]');
  process.exit(2);
}

const sha256 = (data) => createHash('sha256').update(data);

function draw(split, labels) {
  const taken = new Map();
  const keys = Array.from(labels, (_, i) => sha256(`${seed}:${split}:${i}`).digest('hex'));
  return [...keys.keys()]
    .sort((a, b) => (keys[a] < keys[b] ? -1 : 1))
    .filter((i) => {
      const already = taken.get(labels[i]) ?? 0;
      taken.set(labels[i], already + 1);
      return already < perClass[split];
    });
}

function write(name, header, rows) {
  const head = Buffer.alloc(4 * header.length);
  for (const [i, value] of header.entries()) head.writeUInt32BE(value, 4 * i);
  const content = Buffer.concat([head, ...rows]);
  const file = gzipSync(content, { level: 9 });
  file[9] = 255; // gzip's "operating system": unknown, so that the bytes do not tell where they were made
  writeFileSync(join(output, name), file);
  console.log(
    `${name}  ${file.length} bytes\n  content ${sha256(content).digest('hex')}\n  file    ${sha256(file).digest('hex')}`,
  );
}

mkdirSync(output, { recursive: true });
for (const split of ['train', 't10k']) {
  const images = gunzipSync(readFileSync(join(input, `${split}-images-idx3-ubyte.gz`))).subarray(16);
  const labels = gunzipSync(readFileSync(join(input, `${split}-labels-idx1-ubyte.gz`))).subarray(8);
  const chosen = draw(split, labels);
  const imageRows = chosen.map((i) => images.subarray(i * 784, (i + 1) * 784));
  const labelRows = chosen.map((i) => labels.subarray(i, i + 1));
  write(`${split}-images-idx3-ubyte.gz`, [0x803, chosen.length, 28, 28], imageRows);
  write(`${split}-labels-idx1-ubyte.gz`, [0x801, chosen.length], labelRows);
}
