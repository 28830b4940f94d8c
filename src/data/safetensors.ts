/**
 * safetensors: a JSON header with types, shapes and places, then the bytes of all tensors without gaps.
 * https://github.com/huggingface/safetensors#format
 */
import { ByteReader } from './byteReader.ts';
import { parseSafetensorsHeader, type TensorPlace } from './safetensorsHeader.ts';
import type { Source } from './source.ts';
import { splitFile } from './splitFile.ts';
import type { OpenTensor, TensorFile } from './tensor.ts';
import { openTensorSource, type TensorSourceOptions } from './tensorSource.ts';

/**
 * A folder with `train.safetensors` and `test.safetensors`, or one file for both splits, each with the tensors
 * `images` and `labels`. Errors: `ERR_DATA` with the file, `ERR_LABEL`, `ERR_PIXELS`, `ERR_OPTION`.
 */
export function openSafetensors(options: TensorSourceOptions): Promise<Source> {
  return openTensorSource(options, async (split) => {
    const path = await splitFile(options.path, split, ['.safetensors']);
    return path === null ? null : openFile(path);
  });
}

async function openFile(path: string): Promise<TensorFile> {
  // From 0 on: a header whose length begins like gzip is none.
  const reader = await ByteReader.open(path, 0);
  try {
    const places = await parseSafetensorsHeader(reader);
    const names = [...places.keys()];
    return { path, names, open: (name) => openTensor(path, places.get(name) as TensorPlace) };
  } finally {
    await reader.close();
  }
}

async function openTensor(path: string, { type, shape, start }: TensorPlace): Promise<OpenTensor> {
  const reader = await ByteReader.open(path, start);
  // What follows is another tensor, and the header was checked against the size of the file.
  return { type, shape, reader, finish: async () => {}, close: () => reader.close() };
}
