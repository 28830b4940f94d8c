/**
 * The folder in which an evaluation saves its adversarial images: for each finished part a safetensors file and a JSON
 * document, named after the first and the last image that it looked at, and the PNGs. Shards may share one.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SelfgradError } from '../errors.ts';
import type { SavedImage } from '../savedImages.ts';
import type { ImageRange } from './ranges.ts';

/** What `adversarial-00000-00999.json` holds. */
export interface ImagesDocument {
  schema: 'selfgrad.images/1';
  /** Path and SHA-256 of the model. */
  model: { path: string | null; sha256: string | null };
  data: { name: string; split: string };
  threat: { norm: string; eps: number; epsText: string };
  seed: number;
  /** Index of the first image that was looked at, and how many from there on. */
  first: number;
  count: number;
  /** The file with the images in full precision. */
  tensors: string;
  /** Those that were broken, in their order, each by the first attack that broke it. */
  images: (SavedImage & { attack: string })[];
}

/** Name of the files of a part, without extension. */
export function partName({ first, count }: ImageRange): string {
  const digits = (index: number) => String(index).padStart(5, '0');
  return `adversarial-${digits(first)}-${digits(first + count - 1)}`;
}

function rangeOf(name: string): ImageRange | null {
  const match = /^adversarial-(\d{5,})-(\d{5,})\.(?:json|safetensors)$/.exec(name);
  if (match === null) return null;
  const first = Number(match[1]);
  return { first, count: Number(match[2]) + 1 - first };
}

/**
 * Creates the folder.
 *
 * @param range the images that will be looked at
 * @param own names of parts that may be there: of this evaluation, which was interrupted
 * @throws SelfgradError `ERR_WRITE`; `ERR_OPTION` when it holds some of these images already
 */
export async function openImageFolder(
  folder: string,
  range: ImageRange,
  own: readonly string[],
): Promise<void> {
  let names: string[];
  try {
    await mkdir(folder, { recursive: true });
    names = await readdir(folder);
  } catch (cause) {
    throw new SelfgradError(
      'ERR_WRITE',
      `Cannot create the directory ${folder}: ${(cause as Error).message}.`,
      {
        fix: 'Choose another for the images.',
        cause,
      },
    );
  }
  for (const name of names) {
    const held = rangeOf(name);
    const overlaps =
      held !== null && held.first < range.first + range.count && range.first < held.first + held.count;
    if (overlaps && !own.includes(name.replace(/\.\w+$/, ''))) {
      throw new SelfgradError(
        'ERR_OPTION',
        `Expected a folder without images ${range.first} to ${range.first + range.count - 1} but ${folder} holds ${name}.`,
        { fix: 'Name another folder, or remove this one.' },
      );
    }
  }
}

/** How many adversarial images of a range a folder holds, and how many of them survive the 8 bits of a PNG. */
export async function countSavedImages(
  folder: string,
  range: ImageRange,
): Promise<{ count: number; afterRounding: number }> {
  const found = { count: 0, afterRounding: 0 };
  for (const name of (await readdir(folder)).sort()) {
    const held = name.endsWith('.json') ? rangeOf(name) : null;
    if (held === null || held.first < range.first || held.first >= range.first + range.count) continue;
    const { images } = JSON.parse(await readFile(join(folder, name), 'utf8')) as ImagesDocument;
    found.count += images.length;
    found.afterRounding += images.filter(({ successAfterRounding }) => successAfterRounding).length;
  }
  return found;
}
