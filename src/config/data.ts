/** Which images to train on and to evaluate with. */
import type { z } from 'zod';
import { integer, list, section, text } from './option.ts';

export interface DataConfig {
  /** Name of a source: `selfgrad data list` prints them. */
  source: string;
  /** Directory of a source that reads files; null for the embedded set. */
  path: string | null;
  /** Height and width to which an image folder is resized; null keeps the images as they are. */
  size: [number, number] | null;
  /** Only the first images of a split; null takes all. */
  trainCount: number | null;
  testCount: number | null;
}

/** @internal */
export const dataSchema = section('Images to train on and to evaluate with.', {
  source: text({
    description: 'Name of the source; `selfgrad data list` prints them.',
    expected: 'the name of a source',
  }).prefault('fashion-mnist-mini'),
  path: text({
    description: 'Directory of a source that reads files; null for the embedded set.',
    expected: 'a path',
  })
    .nullable()
    .prefault(null),
  size: list(integer({ description: 'Pixels.', gte: 1 }), {
    description: 'Height and width to which an image folder is resized; null keeps its images as they are.',
    expected: 'a height and a width, [H, W]',
    length: [2, 2],
  })
    .transform((size) => size as [number, number])
    .nullable()
    .prefault(null),
  trainCount: integer({ description: 'Only the first images of the train split; null takes all.', gte: 1 })
    .nullable()
    .prefault(null),
  testCount: integer({ description: 'Only the first images of the test split; null takes all.', gte: 1 })
    .nullable()
    .prefault(null),
}) satisfies z.ZodType<DataConfig>;

/** What `openData` is asked for, to open one split of a configuration's data. */
export function splitRequest({ data }: { data: DataConfig }, split: 'train' | 'test') {
  return {
    source: data.source,
    path: data.path,
    split,
    size: data.size,
    limit: split === 'train' ? data.trainCount : data.testCount,
  };
}
