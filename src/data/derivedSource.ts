/** A source made of another: the same facts, unless they are changed, and other batches. */
import type { FileRequest, ImageBatch, PlacedImages, Source } from './source.ts';

export function derivedSource(
  source: Source,
  batches: () => AsyncIterator<ImageBatch>,
  changes: Partial<Pick<Source, 'count' | 'note'>> = {},
): Source {
  // Field by field: a source may be an instance of a user's class.
  const { name, split, count, channels, height, width, classes, note, warnings = [] } = source;
  return {
    ...{ name, split, count, channels, height, width, classes, note, warnings },
    ...changes,
    [Symbol.asyncIterator]: batches,
  };
}

/** Some images of a source. @param places ascending */
export function partOf(
  source: Source,
  places: ArrayLike<number>,
  batches: () => AsyncIterator<ImageBatch>,
  changes: Partial<Pick<Source, 'note'>> = {},
): Source {
  return {
    ...derivedSource(source, batches, { ...changes, count: places.length }),
    ...(source.file && { file: (request: FileRequest) => placed(source, places, request) }),
  };
}

async function placed(
  source: Source,
  places: ArrayLike<number>,
  request: FileRequest,
): Promise<PlacedImages | null> {
  const whole = await source.file?.(request);
  if (!whole) return null;
  const { file, places: outer } = whole;
  return { file, places: Int32Array.from(places, (place) => (outer ? (outer[place] as number) : place)) };
}
