/** Which images to train on and to evaluate with. */
import type { z } from 'zod';
import { layouts } from '../data/layout.ts';
import { picks } from '../data/part.ts';
import { storages } from '../data/storage.ts';
import { choice, either, flag, integer, list, number, section, text } from './option.ts';

export interface DataConfig {
  /** Name of a source: `selfgrad data list` prints them. */
  source: string;
  /** Folder or file of a source that reads files; null for the embedded set. */
  path: string | null;
  /** Height and width to which images of `image-folder`, `manifest` and `parquet` are resized; null keeps them. */
  size: [number, number] | null;
  /** Names of the arrays (`npy`, `npz`, `safetensors`; `{split}` for the split) or columns (`parquet`). */
  images: string | null;
  labels: string | null;
  /** Order of the images' dimensions in such arrays; null tells it by which of them is 1 or 3. */
  layout: 'nchw' | 'nhwc' | null;
  /** Whether a manifest may list images outside of its folder. */
  outside: boolean;
  /** Whether decoded images are kept in the user's cache, so that they are decoded once. */
  cache: boolean;
  /** Where images are while they are used: `auto` maps those that are kept, and those too many for memory. */
  storage: 'auto' | 'memory' | 'mapped';
  /** Only so many images of a split; null takes all. */
  trainCount: number | null;
  testCount: number | null;
  /** How these are chosen: the first ones, or of each class its share, drawn. */
  pick: 'first' | 'stratified';
  /** Images of train held out for validation, stratified: a count, or a share below 1; null for none. */
  validation: number | null;
  /** Key of these draws, apart from `seed`: runs with other seeds share their images. */
  drawSeed: number;
}

/** @internal */
export const dataSchema = section('Images to train on and to evaluate with.', {
  source: text({
    description: 'Name of the source; `selfgrad data list` prints them.',
    expected: 'the name of a source',
  }).prefault('fashion-mnist-mini'),
  path: text({
    description: 'Folder or file of a source that reads files; null for the embedded set.',
    expected: 'a path',
  })
    .nullable()
    .prefault(null),
  size: list(integer({ description: 'Pixels.', gte: 1 }), {
    description:
      'Height and width to which images of image-folder, manifest and parquet are resized; null keeps them.',
    expected: 'a height and a width, [H, W]',
    length: [2, 2],
  })
    .transform((size) => size as [number, number])
    .nullable()
    .prefault(null),
  images: text({
    description:
      'Array (npy, npz, safetensors; {split} for the split) or column (parquet) of images; null: the usual.',
    expected: 'the name of an array or column',
  })
    .nullable()
    .prefault(null),
  labels: text({
    description:
      'Array (npy, npz, safetensors; {split} for the split) or column (parquet) of labels; null: the usual.',
    expected: 'the name of an array or column',
  })
    .nullable()
    .prefault(null),
  layout: choice(layouts, {
    description:
      'Order of the dimensions of images in npy, npz and safetensors; null finds the channels by 1 or 3.',
  })
    .nullable()
    .prefault(null),
  outside: flag({ description: 'Whether a manifest may list images outside of its folder.' }).prefault(false),
  cache: flag({
    description:
      'Whether images of image-folder, manifest and parquet are decoded once and kept in the cache.',
  }).prefault(true),
  storage: choice(storages, {
    description:
      'Where images are: in memory, mapped from a file, or auto: mapped if kept, or too many for memory.',
  }).prefault('auto'),
  trainCount: integer({ description: 'Only so many images of the train split; null takes all.', gte: 1 })
    .nullable()
    .prefault(null),
  testCount: integer({ description: 'Only so many images of the test split; null takes all.', gte: 1 })
    .nullable()
    .prefault(null),
  pick: choice(picks, {
    description: 'How trainCount and testCount choose: the first images, or of each class its share, drawn.',
  }).prefault('first'),
  validation: either(
    [number({ description: 'A share.', gt: 0, lt: 1 }), integer({ description: 'A count.', gte: 1 })],
    {
      description:
        'Images of train held out, stratified, for train.validate; null validates on the test split.',
      expected: 'a share in (0, 1) or a count >= 1',
    },
  )
    .nullable()
    .prefault(null),
  drawSeed: integer({
    description: 'Key of the draws of pick and validation, apart from seed: runs share their images.',
    gte: 0,
  }).prefault(0),
}) satisfies z.ZodType<DataConfig>;

/** What `openData` is asked for, to open the images that a configuration trains, validates or tests on. */
export function splitRequest({ data }: { data: DataConfig }, part: 'train' | 'validation' | 'test') {
  return {
    source: data.source,
    path: data.path,
    split: part === 'test' ? part : ('train' as const),
    size: data.size,
    images: data.images,
    labels: data.labels,
    layout: data.layout,
    outside: data.outside,
    cache: data.cache,
    limit: { train: data.trainCount, validation: null, test: data.testCount }[part],
    pick: data.pick,
    validation: data.validation,
    heldOut: part === 'validation',
    drawSeed: data.drawSeed,
  };
}
