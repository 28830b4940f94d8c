/** What every source of images is: an async iterable of batches, with the facts that are known beforehand. */
import type { Warning } from '../evaluation.ts';
import type { ImagesFile } from './imagesFile.ts';

export type Split = 'train' | 'test';

export interface ImageBatch {
  /** N·C·H·W bytes, NCHW. */
  images: Uint8Array;
  /** N labels, each in 0 … classes - 1. */
  labels: Int32Array;
  /** N positions in the split, counted from 0. */
  indices: Int32Array;
}

/** Iterating reads the data from its beginning, each time; batches may be of any size. */
export interface Source extends AsyncIterable<ImageBatch> {
  /** For people: `fashion-mnist-mini`, `cifar10`, the name of a folder. */
  readonly name: string;
  readonly split: Split;
  /** Images in the split. */
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Names of the classes; the place in the list is the label. */
  readonly classes: readonly string[];
  /** What a reader of results must know about the pixels (lossy decoder and its version), or null. */
  readonly note: string | null;
  /** What makes figures of this split say less than they seem to, for evaluations and the report. */
  readonly warnings?: readonly Warning[];
  /** Labels of all images, for sources that know them without reading the images. */
  labels?(): Promise<Int32Array>;
  /** A hash of all that the images and labels depend on, for sources whose decoded images may be kept. */
  contentKey?(): Promise<string>;
  /** The images as they lie in a file that is kept, or null when there is none. @internal */
  file?(request: FileRequest): Promise<PlacedImages | null>;
}

/** @internal */
export interface FileRequest {
  /** Whether a file that is not there is made. */
  make: boolean;
  signal?: AbortSignal | undefined;
  /** Called after each batch that is written. */
  onProgress?: ((written: number, count: number) => void) | undefined;
}

/** A file that whoever asked for it closes, and which of its images the set has. @internal */
export interface PlacedImages {
  file: ImagesFile;
  /** Ascending; null: all. */
  places: Int32Array | null;
}
