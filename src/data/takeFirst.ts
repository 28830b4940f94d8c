/** The first images of a source, without reading the others. */
import { SelfgradError } from '../errors.ts';
import { partOf } from './derivedSource.ts';
import type { ImageBatch, Source } from './source.ts';

/** @param limit 1 … source.count. Errors: `ERR_OPTION`. */
export function takeFirst(source: Source, limit: number): Source {
  if (!Number.isInteger(limit) || limit < 1 || limit > source.count) {
    throw new SelfgradError(
      'ERR_OPTION',
      `Expected an integer from 1 to ${source.count} for the number of images but received ${limit} (${typeof limit}).`,
      { fix: `The ${source.split} set of ${source.name} has ${source.count} images.` },
    );
  }
  return partOf(
    source,
    Int32Array.from({ length: limit }, (_, place) => place),
    () => firstBatches(source, limit),
  );
}

async function* firstBatches(source: Source, limit: number): AsyncGenerator<ImageBatch, void> {
  const imageBytes = source.channels * source.height * source.width;
  let left = limit;
  for await (const batch of source) {
    const n = Math.min(left, batch.labels.length);
    left -= n;
    yield {
      images: batch.images.subarray(0, n * imageBytes),
      labels: batch.labels.subarray(0, n),
      indices: batch.indices.subarray(0, n),
    };
    if (left === 0) return;
  }
}
