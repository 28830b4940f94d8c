/** Images of 8×8 that a tiny network learns within a second, and the configuration that trains it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { type ConfigInput, Dataset, openArrays, type Split, type TrainEvent } from '../../src/index.ts';

export const tinyShape = [1, 8, 8] as const;
export const tinyClasses = 3;

/** `count` images of three classes: class c is bright in columns 2c … 2c + 2, under noise from `seed`. */
export function tinyImages(count: number, seed = 1): { images: Uint8Array; labels: Int32Array } {
  let state = seed;
  const noise = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) % 90;
  };
  const labels = Int32Array.from({ length: count }, (_, i) => i % tinyClasses);
  const images = Uint8Array.from({ length: count * 64 }, (_, at) => {
    const [label, column] = [labels[Math.floor(at / 64)]!, at % 8];
    return noise() + (column >= 2 * label && column <= 2 * label + 2 ? 110 : 30);
  });
  return { images, labels };
}

/** The same images as a data set; the caller disposes of it. */
export async function tinyData(count: number, split: Split = 'train'): Promise<Dataset> {
  const source = await openArrays({
    ...tinyImages(count, split === 'train' ? 1 : 2),
    shape: tinyShape,
    classes: tinyClasses,
    split,
    name: 'tiny',
  });
  return Dataset.from(source);
}

/** Trains in about 10 ms an epoch of 96 images, on one thread. */
export function tinyConfig(train: ConfigInput['train'] = {}): ConfigInput {
  return {
    threads: 1,
    model: { architecture: 'preact-resnet', depths: [1], width: 4 },
    threat: { eps: '16/255' },
    train: { batchSize: 16, epochs: 2, crop: 1, flip: false, validate: { every: 0 }, ...train },
  };
}

/** A folder for the files of one test file, removed after its tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'selfgrad-native-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a promise rejects with. */
export function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => Promise.reject(new Error('the promise was fulfilled')),
    (error: unknown) => error,
  );
}

/** Waits for the next event of a type. */
export async function nextEvent(run: AsyncIterable<TrainEvent>, type: TrainEvent['type']): Promise<void> {
  for await (const event of run) if (event.type === type) return;
  throw new Error(`no ${type} event came`);
}
