/** NumPy arrays in files of their own: a folder of `.npy` files. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ByteReader } from './byteReader.ts';
import { fileError } from './fileError.ts';
import { readNpyHeader } from './npyHeader.ts';
import type { Source } from './source.ts';
import type { OpenTensor, TensorFile } from './tensor.ts';
import { openTensorSource, type TensorSourceOptions } from './tensorSource.ts';

/**
 * A folder with `train_images.npy`, `train_labels.npy`, `test_images.npy` and `test_labels.npy`, or other names.
 * Errors: `ERR_DATA` with the file, `ERR_LABEL`, `ERR_PIXELS`, `ERR_OPTION`.
 */
export function openNpy(options: TensorSourceOptions): Promise<Source> {
  const { images = '{split}_images', labels = '{split}_labels' } = options;
  return openTensorSource({ ...options, images, labels }, async () => openFolder(options.path));
}

async function openFolder(path: string): Promise<TensorFile> {
  try {
    const files = (await readdir(path)).filter((file) => file.endsWith('.npy')).sort();
    const names = files.map((file) => file.slice(0, -'.npy'.length));
    return { path, names, open: (name) => openNpyFile(join(path, `${name}.npy`)) };
  } catch (cause) {
    throw fileError('a readable folder of .npy files', path, cause);
  }
}

async function openNpyFile(path: string): Promise<OpenTensor> {
  const reader = await ByteReader.open(path);
  try {
    const facts = await readNpyHeader(reader);
    return { ...facts, reader, finish: () => reader.expectEnd(), close: () => reader.close() };
  } catch (error) {
    await reader.close();
    throw error;
  }
}
