import { expect, test } from 'vitest';
import { dataSources, type OpenDataOptions, openData } from '../../../src/data/open.ts';
import { idxPair, readAll, temporaryFolders, writeIdxPair } from './synthetic.ts';

const newFolder = temporaryFolders();

test('knows every source, and only the embedded one needs no path', () => {
  expect(dataSources.map(({ name }) => name)).toEqual([
    'fashion-mnist-mini',
    'mnist',
    'fashion-mnist',
    'idx',
    'cifar10',
    'cifar100',
    'image-folder',
    'manifest',
    'parquet',
    'npy',
    'npz',
    'safetensors',
  ]);
  expect(dataSources.filter(({ needs }) => needs === null).map(({ name }) => name)).toEqual([
    'fashion-mnist-mini',
  ]);
});

test('limit takes the first images', async () => {
  const path = newFolder();
  writeIdxPair(path, idxPair(20));
  const source = await openData({ source: 'idx', path, limit: 3 });
  expect(source.count).toBe(3);
  expect((await readAll(source)).labels).toEqual([0, 1, 2]);
});

const misuse: [OpenDataOptions, string][] = [
  [
    { source: 'cifr10' },
    "Expected fashion-mnist-mini, mnist, fashion-mnist, idx, cifar10, cifar100, image-folder, manifest, parquet, npy, npz or safetensors for data.source but received 'cifr10' (string). Did you mean cifar10?",
  ],
  [
    { source: 'idx' },
    'Expected a folder or file for data.path but received null. The source idx reads train-images-idx3-ubyte[.gz] and its three companions.',
  ],
  [
    { source: 'fashion-mnist-mini', path: 'x' },
    "Expected null for data.path but received 'x' (string). The source fashion-mnist-mini is in the package: name another.",
  ],
  [
    { source: 'fashion-mnist-mini', split: 'val' as 'test' },
    "Expected train or test for split but received 'val' (string).",
  ],
  [
    { source: 'image-folder', path: 'x', size: [0, 32] },
    'Expected two integers [height, width] from 1 to 4096 for data.size but received [0,32] (array).',
  ],
  [
    { source: 'cifar10', path: 'x', size: [16, 16] },
    'Expected null for data.size but received [16,16] (array). Only image-folder, manifest or parquet can use it.',
  ],
  [
    { source: 'image-folder', path: 'x', channels: 4 as 3 },
    'Expected 1 or 3 for channels but received 4 (number).',
  ],
  [
    { source: 'cifar10', path: 'x', channels: 1 },
    'Expected null for channels but received 1 (number). Only image-folder, manifest or parquet can use it.',
  ],
  [
    { source: 'npz', path: 'x', layout: 'hwc' as 'nhwc' },
    "Expected nchw or nhwc for data.layout but received 'hwc' (string).",
  ],
  [
    { source: 'idx', path: 'x', images: 'x_train' },
    "Expected null for data.images but received 'x_train' (string). Only parquet, npy, npz or safetensors can use it.",
  ],
  [
    { source: 'image-folder', path: 'x', outside: true },
    'Expected null for data.outside but received true (boolean). Only manifest can use it.',
  ],
  [
    { source: 'fashion-mnist-mini', split: 'test', limit: 2001 },
    'Expected an integer from 1 to 2000 for the number of images but received 2001 (number). The test set of fashion-mnist-mini has 2000 images.',
  ],
  [
    { source: 'fashion-mnist-mini', limit: 0 },
    'Expected an integer from 1 to 10000 for the number of images but received 0 (number). The train set of fashion-mnist-mini has 10000 images.',
  ],
];

test.each(misuse)('refuses %j', async (options, message) => {
  await expect(openData(options)).rejects.toMatchObject({ code: 'ERR_OPTION', message });
});
