/** A source made of another: the same facts, unless they are changed, and other batches. */
import type { ImageBatch, Source } from './source.ts';

export function derivedSource(
  source: Source,
  batches: () => AsyncIterator<ImageBatch>,
  changes: Partial<Pick<Source, 'count' | 'note'>> = {},
): Source {
  // Field by field: a source may be an instance of a user's class.
  const { name, split, count, channels, height, width, classes, note } = source;
  return {
    ...{ name, split, count, channels, height, width, classes, note },
    ...changes,
    [Symbol.asyncIterator]: batches,
  };
}
