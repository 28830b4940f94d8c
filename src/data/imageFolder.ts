/** A folder with a folder of JPEG or PNG images for each class. */
import { basename, resolve } from 'node:path';
import { openImageFiles } from './imageFiles.ts';
import { listImageFolder } from './listImageFolder.ts';
import type { Source, Split } from './source.ts';

export interface ImageFolderOptions {
  /** The folder: `train/CLASS/*.jpg` and `test/CLASS/*.jpg`, or `CLASS/*.jpg` for both splits. */
  path: string;
  /** Defaults to `train`. */
  split?: Split;
  /** [height, width] to resize every image to. Defaults to null: all images must have the size of the first. */
  size?: readonly [number, number] | null;
  /** 3: colour, 1: grey; images of the other kind are converted. Defaults to 3. */
  channels?: 1 | 3;
}

/**
 * Opens a folder of images. Classes are sorted by name; images come in turns, one of each class, each class
 * sorted by file name, so that the first n are balanced.
 * Errors: `ERR_DATA` with the file or folder, `ERR_PEER` when sharp is not installed.
 */
export async function openImageFolder(options: ImageFolderOptions): Promise<Source> {
  const { path, split = 'train', size = null, channels = 3 } = options;
  const listing = await listImageFolder(path, split);
  return openImageFiles({ ...listing, name: basename(resolve(path)), split, size, channels });
}
