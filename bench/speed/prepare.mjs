/**
 * The images that all contenders see, and for each network the weights that are evaluated: trained for a moment, so
 * that PGD-20 breaks some images early, some late and some not at all, as it does on real ones.
 */
import { closeSync, existsSync, mkdirSync, openSync, readSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Dataset, openArrays, train } from '../../dist/index.js';
import { cases, networks } from './cases.mjs';

const shape = [3, 32, 32];
const drawnClasses = 10;
const imageBytes = 3 * 32 * 32;
const imageCount = 8192;
export const batch = 128;

/** Uniform in [0, 1), the same in every run. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Bytes, NCHW: a wave of the class i % 10, faint in some images and clear in others, under noise. */
function drawImages(count) {
  const uniform = generator(1);
  const wave = () => ({
    fx: 1 + Math.floor(3 * uniform()),
    fy: 1 + Math.floor(3 * uniform()),
    phase: uniform(),
  });
  const waves = Array.from({ length: drawnClasses }, () => [wave(), wave(), wave()]);
  const images = new Uint8ClampedArray(count * imageBytes);
  for (let i = 0, at = 0; i < count; i++) {
    const strength = 255 * (0.05 + 0.4 * uniform());
    for (const { fx, fy, phase } of waves[i % drawnClasses])
      for (let y = 0; y < 32; y++)
        for (let x = 0; x < 32; x++)
          images[at++] =
            128 +
            strength * Math.cos(2 * Math.PI * ((fx * x + fy * y) / 32 + phase)) +
            120 * (uniform() - 0.5);
  }
  return new Uint8Array(images.buffer);
}

/** The file of images; written once. */
export function prepareImages(work) {
  const file = join(work, 'images.bin');
  mkdirSync(work, { recursive: true });
  const known = statSync(file, { throwIfNoEntry: false });
  if (known?.size !== imageCount * imageBytes) writeFileSync(file, drawImages(imageCount));
  return file;
}

/**
 * The first `count` images of the file. `labels`: defaults to 0, 1, … over the classes, which for ten are those that the
 * images were drawn for.
 */
export async function loadImages(file, count, { labels, classes = drawnClasses } = {}) {
  if (count > imageCount)
    throw new Error(`Expected at most ${imageCount} images but ${count} were asked for: give fewer --steps.`);
  const images = new Uint8Array(count * imageBytes);
  const opened = openSync(file);
  readSync(opened, images);
  closeSync(opened);
  const inTurn = Int32Array.from({ length: count }, (_, i) => i % classes);
  const data = await Dataset.from(await openArrays({ images, labels: labels ?? inTurn, shape, classes }));
  return { images, data };
}

/** The model file of a network; trained once. */
export async function prepareNetwork(work, name, threads) {
  const file = join(work, `${name}.safetensors`);
  if (existsSync(file)) return file;
  const { data } = await loadImages(prepareImages(work), 640);
  const { model, crop, flip } = networks[name];
  const options = {
    threads,
    model,
    train: {
      strategy: 'self-gradient',
      epochs: 2,
      batchSize: batch,
      crop,
      flip,
      lr: 0.1,
      precision: 'bfloat16',
      validate: { every: 0 },
    },
  };
  const trained = await train(options, { data }).result;
  trained.model.save(file);
  trained.model.dispose();
  data.dispose();
  return file;
}

/** What a contender is told of one measurement (an entry of `plan`). */
export function taskOf(one, threads, work) {
  return {
    ...networks[one.network],
    ...one,
    batch,
    threads,
    eps: 8 / 255,
    alpha: 2 / 255,
    imagesPerStep: cases[one.case].images,
    images: prepareImages(work),
  };
}
