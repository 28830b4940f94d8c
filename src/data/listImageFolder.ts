/** Which images a folder of classes holds, in which order, with which labels. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { SelfgradError } from '../errors.ts';
import { fileError } from './fileError.ts';
import type { ImageFile } from './imageFiles.ts';
import type { Split } from './source.ts';

export interface ImageListing {
  /** One of each class in turn, until all are listed. */
  files: ImageFile[];
  /** Names of the class folders, sorted by code unit: the order does not depend on the locale. */
  classes: string[];
  /** What a reader of results should know. */
  notes: string[];
}

const extensions = new Set(['.jpg', '.jpeg', '.png']);

/** Errors: `ERR_DATA` for an unreadable or empty folder and for splits with different classes. */
export async function listImageFolder(path: string, split: Split): Promise<ImageListing> {
  const notes: string[] = [];
  const parts = (await subfolders(path)).filter((name) => name === 'train' || name === 'test');
  const splits = (await Promise.all(parts.map((name) => subfolders(join(path, name))))).filter(
    (inner) => inner.length > 0,
  );
  // A class may be called `train`: only a folder of folders is a split.
  let root = path;
  if (splits.length > 0) {
    root = join(path, split);
    await requireSameClasses(path, split, parts);
  } else {
    notes.push('no train/ and test/ folders: both splits are the same images');
  }
  const classes = await subfolders(root);
  if (classes.length < 2) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected a folder for each class, at least 2, in ${root} but received ${classes.length}.`,
      {
        fix: 'Lay the images out as train/CLASS/NAME.jpg and test/CLASS/NAME.jpg.',
      },
    );
  }
  let ignored = 0;
  const perClass: string[][] = [];
  for (const name of classes) {
    const folder = join(root, name);
    const found = (await list(folder)).map((entry) => entry.name);
    const images = found.filter((file) => extensions.has(extname(file).toLowerCase()));
    if (images.length === 0) {
      throw new SelfgradError(
        'ERR_DATA',
        `Expected a .jpg, .jpeg or .png file in ${folder} but received none.`,
        {
          fix: 'Put images there or remove the folder: each folder is a class.',
        },
      );
    }
    ignored += found.length - images.length;
    perClass.push(images.map((file) => join(folder, file)));
  }
  if (ignored > 0) notes.push(`${ignored} other file${ignored === 1 ? '' : 's'} ignored`);
  return { files: inTurns(perClass), classes, notes };
}

function inTurns(perClass: string[][]): ImageFile[] {
  const files: ImageFile[] = [];
  const longest = perClass.reduce((most, paths) => Math.max(most, paths.length), 0);
  for (let turn = 0; turn < longest; turn++) {
    for (const [label, paths] of perClass.entries()) {
      const path = paths[turn];
      if (path !== undefined) files.push({ path, label });
    }
  }
  return files;
}

/** A class that only one split has would shift the labels of all that follow it. */
async function requireSameClasses(path: string, split: Split, parts: string[]): Promise<void> {
  if (!parts.includes(split)) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected the folder ${split} in ${path} but received only ${parts.join()}.`,
      {
        fix: 'Add it, or give the inner folder as data.path to use it for both splits.',
      },
    );
  }
  if (parts.length < 2) return;
  const [train = [], test = []] = await Promise.all(
    ['train', 'test'].map((name) => subfolders(join(path, name))),
  );
  const odd = [
    ...train.filter((name) => !test.includes(name)),
    ...test.filter((name) => !train.includes(name)),
  ][0];
  if (odd === undefined) return;
  const [has, lacks] = train.includes(odd) ? ['train', 'test'] : ['test', 'train'];
  throw new SelfgradError(
    'ERR_DATA',
    `Expected the same classes in train and test of ${path} but received ${odd} in ${has} only.`,
    {
      fix: `Add ${join(path, lacks, odd)} with its images, or remove the class.`,
    },
  );
}

/** Names of the folders in a folder, sorted; hidden ones are left out. */
async function subfolders(path: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await list(path)) {
    const linked =
      entry.isSymbolicLink() &&
      (await stat(join(path, entry.name)).then(
        (found) => found.isDirectory(),
        () => false,
      ));
    if (entry.isDirectory() || linked) names.push(entry.name);
  }
  return names;
}

async function list(path: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (cause) {
    throw fileError('a readable folder', path, cause);
  }
}
