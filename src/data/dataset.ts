/** A set of images that lives in the native core, where training and attacks read it without JavaScript. */
import { SelfgradError } from '../errors.ts';
import type { Warning } from '../evaluation.ts';
import type { NativeDataset, NativeDatasetOptions } from '../native/binding.ts';
import { loadBinding } from '../native/load.ts';
import { checkedBatches, checkSource } from './checkedBatches.ts';
import { DataHash, fingerprint } from './dataHash.ts';
import { writeImages } from './decodedCache.ts';
import { headerBytes } from './imagesFile.ts';
import { chosenBatches } from './part.ts';
import type { FileRequest, PlacedImages, Source, Split } from './source.ts';
import { mustMap, type Storage } from './storage.ts';
import { takeFirst } from './takeFirst.ts';

export interface DatasetOptions {
  /** Take the first `limit` images. Defaults to null: all. */
  limit?: number | null;
  /**
   * Where the images are: in `memory`, or `mapped` from a file, so that they may be more than memory holds. Training and
   * evaluation have the same bytes either way. Defaults to `auto`: mapped when they lie in the cache, or would take more
   * than half of the memory that is available.
   */
  storage?: Storage;
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
  /** What makes figures of these images say less than they seem to. */
  readonly warnings: readonly Warning[];
  /** Fingerprint of shape, pixels and labels (`DataHash`). */
  readonly sha256: string;
  /** Where the images are. */
  readonly storage: Exclude<Storage, 'auto'>;
  readonly native: NativeDataset;

  private constructor(
    source: Source,
    native: NativeDataset,
    sha256: string,
    classCounts: number[],
    storage: Exclude<Storage, 'auto'>,
  ) {
    this.name = source.name;
    this.split = source.split;
    this.count = source.count;
    this.shape = [source.channels, source.height, source.width];
    this.classes = source.classes;
    this.classCounts = classCounts;
    this.note = source.note;
    this.warnings = source.warnings ?? [];
    this.sha256 = sha256;
    this.storage = storage;
    this.native = native;
  }

  /**
   * Reads a source to its end into the core.
   * Errors: `ERR_DATA` (empty, truncated, miscounted), `ERR_LABEL`, `ERR_OPTION` (limit, storage), `ERR_WRITE` (no room
   * for the file to be mapped), `ERR_LIBTORCH`, `ERR_ADDON`, those of the source, and the reason of `signal`.
   */
  static async from(source: Source, options: DatasetOptions = {}): Promise<Dataset> {
    const { limit = null, storage = 'auto', signal, onProgress } = options;
    const { channels, height, width, classes } = source;
    checkSource(source);
    const taken = limit === null ? source : takeFirst(source, limit);
    const make = mustMap(storage, taken.count * channels * height * width);
    loadBinding();
    const placed = storage === 'memory' ? null : await imagesFile(taken, { make, signal, onProgress });
    if (placed) return Dataset.#map(taken, placed);
    const native = inMemory({
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
      return new Dataset(taken, native, hash.digest(taken), classCounts, 'memory');
    } catch (error) {
      native.dispose();
      throw error;
    }
  }

  static async #map(source: Source, { file, places }: PlacedImages): Promise<Dataset> {
    const { channels, height, width, classes } = source;
    try {
      const labels = places ? places.map((place) => file.labels[place] as number) : file.labels;
      const classCounts = classes.map(() => 0);
      for (const label of labels) classCounts[label] = (classCounts[label] ?? 0) + 1;
      const hash = new DataHash();
      if (places) {
        const whole = { ...file.facts, [Symbol.asyncIterator]: () => file.batches() };
        for await (const batch of chosenBatches(whole, places)) hash.add(batch);
      }
      const digests = places ? hash.digests() : file.digests;
      const native = new (loadBinding().Dataset)({
        count: labels.length,
        channels,
        height,
        width,
        classes: classes.length,
        file: { descriptor: file.descriptor, offset: headerBytes, rows: file.facts.count, places, labels },
      });
      return new Dataset(source, native, fingerprint(source, digests), classCounts, 'mapped');
    } finally {
      await file.close();
    }
  }

  dispose(): void {
    this.native.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function inMemory(options: NativeDatasetOptions): NativeDataset {
  try {
    return new (loadBinding().Dataset)(options);
  } catch (cause) {
    if (!(cause instanceof SelfgradError) || cause.code !== 'ERR_NATIVE') throw cause;
    const bytes = options.count * options.channels * options.height * options.width;
    throw new SelfgradError(
      'ERR_NATIVE',
      `Expected memory for ${options.count} images (${bytes} bytes) but there is none.`,
      { fix: 'Map them from a file: data.storage=mapped.', cause },
    );
  }
}

/** The file that a source has, or, if it must be made, one that is its own. */
async function imagesFile(source: Source, request: FileRequest): Promise<PlacedImages | null> {
  const kept = await source.file?.(request);
  if (kept || !request.make) return kept ?? null;
  const { count, channels, height, width } = source;
  return {
    file: await writeImages(source, { key: '', count, channels, height, width }, request),
    places: null,
  };
}
