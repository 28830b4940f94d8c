/** Images and labels that lie in files as tensors (NumPy, safetensors), as a source. */
import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { didYouMean } from '../config/option.ts';
import { SelfgradError } from '../errors.ts';
import { readClassNames } from './classNames.ts';
import { decodeElements, describeType } from './elementType.ts';
import { maxLabel, namesUpTo } from './labels.ts';
import { type ImageGeometry, imageGeometry, type Layout, toPlanes } from './layout.ts';
import { quantise } from './quantise.ts';
import type { ImageBatch, Source, Split } from './source.ts';
import type { OpenTensor, TensorFile } from './tensor.ts';

export interface TensorSourceOptions {
  /** The file, or the folder of the files. */
  path: string;
  /** Defaults to `train`. */
  split?: Split;
  /** Name of the images; `{split}` in it becomes `train` or `test`. Defaults to `images`. */
  images?: string;
  /** Name of the labels; `{split}` in it becomes `train` or `test`. Defaults to `labels`. */
  labels?: string;
  /** Order of the images' dimensions. Defaults to null: told by which of them is 1 or 3. */
  layout?: Layout | null;
}

/** Labels are held whole: half a gigabyte of 64-bit integers, whatever an archive unpacks to. */
const maxLabels = 2 ** 26;

/**
 * Opens images (uint8, or floats in [0, 1], which are rounded to 256 levels) and integer labels; reads the labels of
 * both splits to count the classes where no `classes.txt` names them.
 * @param find the file of a split, null when there is none
 */
export async function openTensorSource(
  options: TensorSourceOptions,
  find: (split: Split) => Promise<TensorFile | null>,
): Promise<Source> {
  const { path, split = 'train', images = 'images', labels = 'labels', layout = null } = options;
  const file = await find(split);
  if (file === null) throw noSplit(path, split);
  const imagesName = nameIn(file, images, split);
  const labelsName = nameIn(file, labels, split);
  const tensor = await file.open(imagesName);
  await tensor.close();
  const geometry = imageGeometry(tensor, layout, `${imagesName} of ${file.path}`);
  const numbers = await readLabels(file, labelsName, geometry.count);
  const other = split === 'train' ? 'test' : 'train';
  const otherFile = await find(other);
  const shared = otherFile?.path === file.path && inSplit(images, split) === inSplit(images, other);
  return {
    name: basename(resolve(path)),
    split,
    count: geometry.count,
    channels: geometry.channels,
    height: geometry.height,
    width: geometry.width,
    classes: await classNames(path, numbers, shared ? null : otherFile, inSplit(labels, other)),
    note: notes(tensor, shared),
    [Symbol.asyncIterator]: () => readBatches(file, imagesName, tensor, geometry, numbers),
  };
}

async function* readBatches(
  file: TensorFile,
  name: string,
  expected: OpenTensor,
  geometry: ImageGeometry,
  labels: Int32Array,
): AsyncGenerator<ImageBatch, void> {
  const { count, channels, height, width } = geometry;
  const imageLength = channels * height * width;
  const tensor = await file.open(name);
  try {
    if (JSON.stringify([tensor.type, tensor.shape]) !== JSON.stringify([expected.type, expected.shape])) {
      throw new SelfgradError('ERR_DATA', `Expected ${file.path} to stay as it was but its header changed.`, {
        fix: 'Leave the data alone while they are read.',
      });
    }
    const perBatch = Math.max(1, Math.floor((1 << 20) / imageLength));
    for (let first = 0; first < count; first += perBatch) {
      const n = Math.min(perBatch, count - first);
      const what = `images ${first} … ${first + n - 1}`;
      const bytes = await tensor.reader.read(n * imageLength * tensor.type.bytes, what);
      const pixels =
        tensor.type.kind === 'u'
          ? bytes
          : quantise(decodeElements(bytes, tensor.type), imageLength, first, `${name} of ${file.path}`);
      yield {
        images: toPlanes(pixels, geometry),
        labels: labels.slice(first, first + n),
        indices: Int32Array.from({ length: n }, (_, i) => first + i),
      };
    }
    await tensor.finish();
  } finally {
    await tensor.close();
  }
}

/** @param count of images, or null to take what is there */
async function readLabels(file: TensorFile, name: string, count: number | null): Promise<Int32Array> {
  const tensor = await file.open(name);
  const place = `${name} of ${file.path}`;
  try {
    const { type, shape } = tensor;
    const n = shape.reduce((product, length) => product * length, 1);
    // (N,1) is usual as well.
    if (type.kind === 'f' || shape.length === 0 || shape[0] !== n || n !== (count ?? n)) {
      throw new SelfgradError(
        'ERR_DATA',
        `Expected ${count ?? 'N'} integers, one for each image, for ${place} but received ${describeType(type)} of shape ${shape.join('×') || '()'}.`,
        { fix: 'Give the name of the labels as data.labels.' },
      );
    }
    if (n > maxLabels) {
      throw new SelfgradError(
        'ERR_DATA',
        `Expected at most ${maxLabels} labels for ${place} but received ${n}.`,
        {
          fix: 'Split the set.',
        },
      );
    }
    const numbers = decodeElements(await tensor.reader.read(n * type.bytes, 'labels'), type);
    await tensor.finish();
    const wrong = numbers.findIndex((label) => label < 0 || label > maxLabel);
    if (wrong === -1) return Int32Array.from(numbers);
    throw new SelfgradError(
      'ERR_LABEL',
      `Expected a label in 0…${maxLabel} at index ${wrong} of ${place} but received ${numbers[wrong]}.`,
      { fix: 'Count the classes from 0.' },
    );
  } finally {
    await tensor.close();
  }
}

/** Both splits must agree on the number of classes, whatever labels occur in each. */
async function classNames(
  path: string,
  labels: Int32Array,
  other: TensorFile | null,
  otherLabels: string,
): Promise<string[]> {
  const folder = (await stat(path)).isDirectory() ? path : dirname(path);
  const named = await readClassNames(folder);
  if (named) return named;
  const more = other?.names.includes(otherLabels) ? await readLabels(other, otherLabels, null) : [];
  let highest = 0;
  for (const label of labels) highest = Math.max(highest, label);
  for (const label of more) highest = Math.max(highest, label);
  return namesUpTo(highest);
}

function inSplit(name: string, split: Split): string {
  return name.replaceAll('{split}', split);
}

function nameIn(file: TensorFile, template: string, split: Split): string {
  const name = inSplit(template, split);
  if (file.names.includes(name)) return name;
  const held = file.names.slice(0, 12).join(', ') || 'none';
  throw new SelfgradError('ERR_DATA', `Expected the array ${name} in ${file.path} but received ${held}.`, {
    fix: didYouMean(name, file.names) ?? 'Name the arrays with data.images and data.labels.',
  });
}

function noSplit(path: string, split: Split): SelfgradError {
  return new SelfgradError(
    'ERR_DATA',
    `Expected a file of the ${split} split in ${path} but received none.`,
    {
      fix: 'Give a folder with a file for each split (`selfgrad data list` names them), or one file as data.path.',
    },
  );
}

function notes({ type }: OpenTensor, shared: boolean): string | null {
  const found = [
    ...(type.kind === 'f' ? ['floats rounded to 256 levels'] : []),
    ...(shared ? ['one file: both splits are the same images'] : []),
  ];
  return found.join('; ') || null;
}
