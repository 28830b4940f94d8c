/** The registry of sources by name, as `data.source` and `--source` give them. */
import { didYouMean, oneOf, sentence } from '../config/option.ts';
import { SelfgradError } from '../errors.ts';
import { openCifar10, openCifar100 } from './cifar.ts';
import { openEmbedded } from './embedded.ts';
import { openIdx } from './idx.ts';
import { openImageFolder } from './imageFolder.ts';
import type { Source, Split } from './source.ts';
import { takeFirst } from './takeFirst.ts';

export interface OpenDataOptions {
  /** One of `dataSources`. */
  source: string;
  /** The folder with the data; only `fashion-mnist-mini` needs none. Defaults to null. */
  path?: string | null;
  /** Defaults to `train`. */
  split?: Split;
  /** [height, width], `image-folder` only. Defaults to null: the images keep their size. */
  size?: readonly [number, number] | null;
  /** 3: colour, 1: grey, `image-folder` only. Defaults to null: 3. */
  channels?: 1 | 3 | null;
  /** Take the first `limit` images. Defaults to null: all. */
  limit?: number | null;
}

export interface DataSource {
  readonly name: string;
  /** What the source is, for people. */
  readonly description: string;
  /** What `path` must hold, or null when no path is needed. */
  readonly needs: string | null;
}

interface OpenableSource extends DataSource {
  open(options: OpenDataOptions & { path: string }): Promise<Source>;
}

const sources: readonly OpenableSource[] = [
  {
    name: 'fashion-mnist-mini',
    description: '12 000 images of Fashion-MNIST, in the package',
    needs: null,
    open: (options) => openEmbedded(options),
  },
  {
    name: 'idx',
    description: 'MNIST and its relatives',
    needs: 'train-images-idx3-ubyte[.gz] and its three companions',
    open: ({ path, split }) => openIdx({ path, ...(split && { split }) }),
  },
  {
    name: 'cifar10',
    description: 'CIFAR-10, binary version',
    needs: 'data_batch_1.bin … data_batch_5.bin, test_batch.bin',
    open: (options) => openCifar10(options),
  },
  {
    name: 'cifar100',
    description: 'CIFAR-100, binary version, fine labels',
    needs: 'train.bin, test.bin',
    open: (options) => openCifar100(options),
  },
  {
    name: 'image-folder',
    description: 'JPEG and PNG images, a folder for each class',
    needs: 'train/CLASS/*.jpg and test/CLASS/*.jpg; the package sharp',
    open: ({ channels, ...options }) => openImageFolder({ ...options, channels: channels ?? 3 }),
  },
];

/** The sources that `openData` knows. */
export const dataSources: readonly DataSource[] = sources;

/**
 * Opens a source by name.
 * Errors: `ERR_OPTION` for an unknown source, a missing path or a value out of range; then those of the source.
 */
export async function openData(options: OpenDataOptions): Promise<Source> {
  const found = sources.find(({ name }) => name === options.source);
  const names = sources.map(({ name }) => name);
  must(found !== undefined, oneOf(names), 'data.source', options.source, didYouMean(options.source, names));
  const { path = null, split = 'train', size = null, channels = null, limit = null } = options;
  const fix = `The source ${found.name} reads ${found.needs}.`;
  const embedded = found.needs === null;
  must(
    !embedded || path === null,
    'null',
    'data.path',
    path,
    `The source ${found.name} is in the package: name another.`,
  );
  must(embedded || (typeof path === 'string' && path !== ''), 'a folder', 'data.path', path, fix);
  must(split === 'train' || split === 'test', 'train or test', 'split', split);
  must(size === null || isSize(size), 'two integers [height, width] from 1 to 4096', 'data.size', size);
  must(channels === null || channels === 1 || channels === 3, '1 or 3', 'channels', channels);
  const converts = found.name === 'image-folder';
  must(converts || size === null, 'null', 'data.size', size, 'Only the source image-folder resizes.');
  must(converts || channels === null, 'null', 'channels', channels, 'Only the source image-folder converts.');
  const source = await found.open({ ...options, path: path ?? '' });
  return limit === null ? source : takeFirst(source, limit);
}

function isSize(size: readonly number[]): boolean {
  return (
    size.length === 2 && size.every((length) => Number.isInteger(length) && length >= 1 && length <= 4096)
  );
}

function must(holds: boolean, expected: string, path: string, value: unknown, fix?: string): asserts holds {
  if (!holds)
    throw new SelfgradError('ERR_OPTION', sentence(expected, path, value), fix === undefined ? {} : { fix });
}
