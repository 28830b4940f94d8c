/** A set of images that lives in the native core, where training and attacks read it without JavaScript. */
import type { NativeDataset } from '../native/binding.ts';
import { loadBinding } from '../native/load.ts';
import { checkedBatches, checkSource } from './checkedBatches.ts';
import { DataHash } from './dataHash.ts';
import type { Source, Split } from './source.ts';
import { takeFirst } from './takeFirst.ts';

export interface DatasetOptions {
  /** Take the first `limit` images. Defaults to null: all. */
  limit?: number | null;
  /** Stops loading between two batches. */
  signal?: AbortSignal;
  /** Called after each batch. */
  onProgress?: (loaded: number, count: number) => void;
}

/** Holds memory outside JavaScript's: call `dispose()`, or declare it with `using`. */
export class Dataset implements Disposable {
  readonly name: string;
  readonly split: Split;
  readonly count: number;
  /** [channels, height, width] of one image. */
  readonly shape: readonly [number, number, number];
  /** Names of the classes; the place in the list is the label. */
  readonly classes: readonly string[];
  /** Images of each class. */
  readonly classCounts: readonly number[];
  /** What a reader of results must know about the pixels, or null. */
  readonly note: string | null;
  /** Fingerprint of shape, pixels and labels (`DataHash`). */
  readonly sha256: string;
  readonly native: NativeDataset;

  private constructor(source: Source, native: NativeDataset, sha256: string, classCounts: number[]) {
    this.name = source.name;
    this.split = source.split;
    this.count = source.count;
    this.shape = [source.channels, source.height, source.width];
    this.classes = source.classes;
    this.classCounts = classCounts;
    this.note = source.note;
    this.sha256 = sha256;
    this.native = native;
  }

  /**
   * Reads a source to its end into the core.
   * Errors: `ERR_DATA` (empty, truncated, miscounted), `ERR_LABEL`, `ERR_OPTION` (limit), `ERR_LIBTORCH`,
   * `ERR_ADDON`, those of the source, and the reason of `signal`.
   */
  static async from(source: Source, options: DatasetOptions = {}): Promise<Dataset> {
    const { limit = null, signal, onProgress } = options;
    const { channels, height, width, classes } = source;
    checkSource(source);
    const taken = limit === null ? source : takeFirst(source, limit);
    const binding = loadBinding();
    const native = new binding.Dataset({
      count: taken.count,
      channels,
      height,
      width,
      classes: classes.length,
    });
    try {
      const hash = new DataHash();
      const classCounts = classes.map(() => 0);
      let loaded = 0;
      for await (const batch of checkedBatches(taken)) {
        signal?.throwIfAborted();
        native.append({ images: batch.images, labels: batch.labels });
        hash.add(batch);
        for (const label of batch.labels) classCounts[label] = (classCounts[label] ?? 0) + 1;
        loaded += batch.labels.length;
        onProgress?.(loaded, taken.count);
      }
      return new Dataset(taken, native, hash.digest(taken), classCounts);
    } catch (error) {
      native.dispose();
      throw error;
    }
  }

  dispose(): void {
    this.native.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
