/** What must hold for every source, the user's own included, checked while it is read. */
import { SelfgradError } from '../errors.ts';
import type { ImageBatch, Source } from './source.ts';

/**
 * Iterates a source and fails at the first thing that is wrong: no images, a batch of another shape, a label
 * outside 0 … classes - 1, more or fewer images than announced. Errors: `ERR_DATA`, `ERR_LABEL`.
 */
export async function* checkedBatches(source: Source): AsyncGenerator<ImageBatch, void> {
  const set = checkSource(source);
  const imageBytes = source.channels * source.height * source.width;
  let seen = 0;
  for await (const batch of source) {
    const n = batch.labels.length;
    if (batch.images.length !== n * imageBytes || batch.indices.length !== n) {
      throw new SelfgradError(
        'ERR_DATA',
        `Expected ${n * imageBytes} bytes (${n} images of ${source.channels}×${source.height}×${source.width}) and ${n} indices ` +
          `for a batch of ${set} but received ${batch.images.length} bytes and ${batch.indices.length} indices.`,
      );
    }
    const wrong = batch.labels.findIndex((label) => label < 0 || label >= source.classes.length);
    if (wrong !== -1) {
      throw new SelfgradError(
        'ERR_LABEL',
        `Label ${batch.labels[wrong]} at index ${batch.indices[wrong]} of ${set} is outside 0…${source.classes.length - 1} (${source.classes.length} classes).`,
        { fix: 'Correct the label or name every class.' },
      );
    }
    seen += n;
    if (seen > source.count) break;
    yield batch;
  }
  if (seen !== source.count) {
    const received = seen > source.count ? 'more' : String(seen);
    throw new SelfgradError(
      'ERR_DATA',
      `Expected ${source.count} images for ${set} but received ${received}.`,
      {
        fix: 'The data changed while it was read, or the source miscounts.',
      },
    );
  }
}

/** Checks what is known before reading; returns how messages name the set. Errors: `ERR_DATA`. */
export function checkSource(source: Source): string {
  const set = `the ${source.split} set of ${source.name}`;
  for (const dimension of ['channels', 'height', 'width'] as const) {
    if (Number.isInteger(source[dimension]) && source[dimension] > 0) continue;
    throw new SelfgradError(
      'ERR_DATA',
      `Expected a positive integer for ${dimension} of ${set} but received ${source[dimension]}.`,
    );
  }
  if (!Number.isInteger(source.count) || source.count < 1) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected at least one image for ${set} but received ${source.count}.`,
      {
        fix: 'Check that data.path points at the right data.',
      },
    );
  }
  if (source.classes.length < 2) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected at least 2 classes for ${set} but received ${source.classes.length}.`,
    );
  }
  return set;
}
