/** The registry of sources by name, as `data.source` and `--source` give them. */
import { didYouMean, oneOf, sentence } from '../config/option.ts';
import { SelfgradError } from '../errors.ts';
import { openCifar10, openCifar100 } from './cifar.ts';
import { withDecodedCache } from './decodedCache.ts';
import { openEmbedded } from './embedded.ts';
import { findFetched } from './fetch/fetchData.ts';
import { openIdx } from './idx.ts';
import { openImageFolder } from './imageFolder.ts';
import { type Layout, layouts } from './layout.ts';
import { openManifest } from './manifest.ts';
import { openNpy } from './npy.ts';
import { openNpz } from './npz.ts';
import { openParquet } from './parquet.ts';
import { type PartOptions, takePart } from './part.ts';
import { openSafetensors } from './safetensors.ts';
import type { Source, Split } from './source.ts';

export interface OpenDataOptions extends PartOptions {
  /** One of `dataSources`. */
  source: string;
  /**
   * The folder or file with the data. Defaults to null: what `selfgrad data fetch` brought of a published set;
   * `fashion-mnist-mini` needs none.
   */
  path?: string | null;
  /** Defaults to `train`. */
  split?: Split;
  /** [height, width], `image-folder`, `manifest` and `parquet` only. Defaults to null: the images keep their size. */
  size?: readonly [number, number] | null;
  /** 3: colour, 1: grey, for the same sources. Defaults to null: 3. */
  channels?: 1 | 3 | null;
  /** Name of the images, `npy`, `npz`, `safetensors` and `parquet` only. Defaults to null: that of the source. */
  images?: string | null;
  /** Name of the labels, as `images`. Defaults to null: that of the source. */
  labels?: string | null;
  /** Order of the images' dimensions, `npy`, `npz` and `safetensors` only. Defaults to null: told by which of them is 1 or 3. */
  layout?: Layout | null;
  /** Whether images that are decoded are kept in the user's cache and taken from there. Defaults to false. */
  cache?: boolean;
  /** Whether a manifest may list images outside of its folder, `manifest` only. Defaults to false. */
  outside?: boolean | null;
}

export interface DataSource {
  readonly name: string;
  /** What the source is, for people. */
  readonly description: string;
  /** What `path` must hold, or null when no path is needed. */
  readonly needs: string | null;
}

/** Options that only some sources know. */
const special = ['size', 'channels', 'images', 'labels', 'layout', 'outside'] as const;
type Special = (typeof special)[number];

interface OpenableSource extends DataSource {
  /** Whether `selfgrad data fetch` knows it. */
  published?: boolean;
  takes?: readonly Special[];
  open(options: OpenDataOptions & { path: string }): Promise<Source>;
}

const arrayOptions = ['images', 'labels', 'layout'] as const;

const sources: readonly OpenableSource[] = [
  {
    name: 'fashion-mnist-mini',
    description: '12 000 images of Fashion-MNIST, in the package',
    needs: null,
    open: (options) => openEmbedded(options),
  },
  publishedIdx('mnist', 'MNIST'),
  publishedIdx('fashion-mnist', 'Fashion-MNIST, whole'),
  {
    name: 'idx',
    description: 'relatives of MNIST',
    needs: 'train-images-idx3-ubyte[.gz] and its three companions',
    open: ({ path, split }) => openIdx({ path, ...(split && { split }) }),
  },
  {
    name: 'cifar10',
    description: 'CIFAR-10, binary version',
    needs: 'data_batch_1.bin … data_batch_5.bin, test_batch.bin',
    published: true,
    open: (options) => openCifar10(options),
  },
  {
    name: 'cifar100',
    description: 'CIFAR-100, binary version, fine labels',
    needs: 'train.bin, test.bin',
    published: true,
    open: (options) => openCifar100(options),
  },
  {
    name: 'image-folder',
    description: 'JPEG and PNG images, a folder for each class',
    needs: 'train/CLASS/*.jpg and test/CLASS/*.jpg; the package sharp',
    takes: ['size', 'channels'],
    open: ({ channels, ...options }) => openImageFolder({ ...options, channels: channels ?? 3 }),
  },
  {
    name: 'manifest',
    description: 'JPEG and PNG images listed with labels',
    needs: 'train.csv and test.csv (or .jsonl), or is one such file; the package sharp',
    takes: ['size', 'channels', 'outside'],
    open: ({ channels, outside, ...options }) =>
      openManifest({ ...options, channels: channels ?? 3, outside: outside ?? false }),
  },
  {
    name: 'parquet',
    description: 'JPEG and PNG images in Parquet, as Hugging Face exports them',
    needs: 'train-*.parquet and test-*.parquet, or is one such file; the package sharp',
    takes: ['size', 'channels', 'images', 'labels'],
    open: ({ channels, ...options }) => openParquet({ ...options, channels: channels ?? 3 }),
  },
  {
    name: 'npy',
    description: 'NumPy arrays, a file for each',
    needs: 'train_images.npy, train_labels.npy, test_images.npy, test_labels.npy',
    takes: arrayOptions,
    open: (options) => openNpy(tensorOptions(options)),
  },
  {
    name: 'npz',
    description: 'NumPy arrays in archives',
    needs: 'train.npz and test.npz, or is one file, with the arrays images and labels',
    takes: arrayOptions,
    open: (options) => openNpz(tensorOptions(options)),
  },
  {
    name: 'safetensors',
    description: 'tensors in safetensors files',
    needs: 'train.safetensors and test.safetensors, or is one file, with the tensors images and labels',
    takes: arrayOptions,
    open: (options) => openSafetensors(tensorOptions(options)),
  },
];

/** The sources that `openData` knows. */
export const dataSources: readonly DataSource[] = sources.map(({ name, description, needs }) => ({
  name,
  description,
  needs,
}));

function publishedIdx(name: string, description: string): OpenableSource {
  return {
    name,
    description,
    needs: 'train-images-idx3-ubyte[.gz] and its three companions',
    published: true,
    open: ({ path, split }) => openIdx({ path, name, ...(split && { split }) }),
  };
}

function tensorOptions({ path, split, images, labels, layout }: OpenDataOptions & { path: string }) {
  return {
    path,
    ...(split && { split }),
    ...(images && { images }),
    ...(labels && { labels }),
    ...(layout && { layout }),
  };
}

/**
 * Opens a source by name.
 * Errors: `ERR_OPTION` for an unknown source, a missing path or a value out of range; then those of the source.
 */
export async function openData(options: OpenDataOptions): Promise<Source> {
  const found = sources.find(({ name }) => name === options.source);
  const names = sources.map(({ name }) => name);
  must(found !== undefined, oneOf(names), 'data.source', options.source, didYouMean(options.source, names));
  const path = options.path ?? (found.published ? findFetched(found.name) : null);
  const { split = 'train', size = null, channels = null, layout = null, outside = null } = options;
  const reads = `The source ${found.name} reads ${found.needs}.`;
  const fix = found.published ? `${reads} Or run: npx selfgrad data fetch ${found.name}` : reads;
  const embedded = found.needs === null;
  must(
    !embedded || path === null,
    'null',
    'data.path',
    path,
    `The source ${found.name} is in the package: name another.`,
  );
  must(embedded || (typeof path === 'string' && path !== ''), 'a folder or file', 'data.path', path, fix);
  must(split === 'train' || split === 'test', 'train or test', 'split', split);
  must(size === null || isSize(size), 'two integers [height, width] from 1 to 4096', 'data.size', size);
  must(channels === null || channels === 1 || channels === 3, '1 or 3', 'channels', channels);
  must(layout === null || layouts.includes(layout), oneOf(layouts), 'data.layout', layout);
  must(outside === null || typeof outside === 'boolean', 'true or false', 'data.outside', outside);
  for (const option of special) {
    const value = options[option] ?? null;
    const takers = sources.filter(({ takes }) => takes?.includes(option)).map(({ name }) => name);
    const only = `Only ${oneOf(takers)} can use it.`;
    must(
      value === null || value === false || takers.includes(found.name),
      'null',
      pathOf(option),
      value,
      only,
    );
  }
  const source = await found.open({ ...options, path: path ?? '' });
  return takePart(options.cache ? withDecodedCache(source) : source, options);
}

/** `channels` is no option of a configuration. */
function pathOf(option: Special): string {
  return option === 'channels' ? option : `data.${option}`;
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
