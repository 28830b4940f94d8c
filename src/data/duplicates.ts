/** Images that occur more than once, to the byte: such a test image was trained on, or counts twice. */
import { createHash } from 'node:crypto';
import type { ImageBatch } from './source.ts';

export interface Duplicates {
  /** Images that equal an earlier one. */
  count: number;
  /** Those of them whose label is another one. */
  conflicting: number;
  /** The first pairs of indices, the earlier image before the later one. */
  examples: [earlier: number, later: number][];
}

interface Seen {
  index: number;
  label: number;
}

const maxExamples = 10;

/** Remembers 128 bits of each image: two images that differ are never taken for one in practice. */
export class ImageDigests {
  readonly #first = new Map<string, Seen>();
  /** Images that equal an earlier one of the same set. */
  readonly duplicates: Duplicates = none();

  add({ images, labels, indices }: ImageBatch): void {
    const imageBytes = images.length / labels.length;
    for (const [i, label] of labels.entries()) {
      const pixels = images.subarray(i * imageBytes, (i + 1) * imageBytes);
      const key = createHash('sha256').update(pixels).digest('binary').slice(0, 16);
      const seen = { index: indices[i] as number, label };
      const earlier = this.#first.get(key);
      if (earlier) count(this.duplicates, earlier, seen);
      else this.#first.set(key, seen);
    }
  }

  /** Different images of `later` that also occur here. */
  sharedWith(later: ImageDigests): Duplicates {
    const shared = none();
    for (const [key, seen] of later.#first) {
      const earlier = this.#first.get(key);
      if (earlier) count(shared, earlier, seen);
    }
    return shared;
  }
}

function none(): Duplicates {
  return { count: 0, conflicting: 0, examples: [] };
}

function count(duplicates: Duplicates, earlier: Seen, later: Seen): void {
  duplicates.count++;
  if (earlier.label !== later.label) duplicates.conflicting++;
  if (duplicates.examples.length < maxExamples) duplicates.examples.push([earlier.index, later.index]);
}
