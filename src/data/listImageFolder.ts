/** Which images a folder of classes holds, in which order, with which labels. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { SelfgradError } from '../errors.ts';
import type { Warning } from '../evaluation.ts';
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
  /** What makes figures of this split say less than they seem to. */
  warnings: Warning[];
}

const extensions = new Set(['.jpg', '.jpeg', '.png']);

/** What folders of a split are called; the first that is there is taken. */
const folderNames: Record<Split, readonly string[]> = {
  train: ['train'],
  test: ['test', 'val', 'valid', 'validation'],
};

/** Errors: `ERR_DATA` for an unreadable or empty folder and for splits with different classes. */
export async function listImageFolder(path: string, split: Split): Promise<ImageListing> {
  const notes: string[] = [];
  const warnings: Warning[] = [];
  const folders = await splitFolders(path);
  let root = path;
  if (folders.train !== null || folders.test !== null) {
    root = await splitRoot(path, split, folders);
    if (split === 'test' && folders.test !== 'test') notes.push(`the test split is ${folders.test}/`);
  } else {
    notes.push('no train/ and test/ folders: both splits are the same images');
    if (split === 'test') warnings.push(await sameImages(path));
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
  const ignored: string[] = [];
  const perClass: string[][] = [];
  for (const name of classes) {
    const folder = join(root, name);
    const found = (await list(folder)).map((entry) => entry.name);
    const images = imagesAmong(found);
    if (images.length === 0) throw noImages(folder, found);
    ignored.push(...found.filter((file) => !images.includes(file)));
    perClass.push(images.map((file) => join(folder, file)));
  }
  if (ignored.length > 0) {
    notes.push(`${ignored.length} other file${ignored.length === 1 ? '' : 's'} ignored (${few(ignored)})`);
  }
  return { files: inTurns(perClass), classes, notes, warnings };
}

/** The folder of each split, null where there is none. A class may be called `train`: only folders of folders count. */
async function splitFolders(path: string): Promise<Record<Split, string | null>> {
  const all = await subfolders(path);
  const find = async (split: Split) => {
    for (const name of folderNames[split])
      if (all.includes(name) && (await subfolders(join(path, name))).length > 0) return name;
    return null;
  };
  return { train: await find('train'), test: await find('test') };
}

async function sameImages(path: string): Promise<Warning> {
  const around = dirname(resolve(path));
  const { train, test } = await splitFolders(around).catch(() => ({ train: null, test: null }));
  const meant = [train, test].includes(basename(resolve(path))) ? ` Did you mean ${around}?` : '';
  return {
    code: 'W_SAME_SPLITS',
    message: `${path} has no folders train and test, so both splits are the same images: figures are of images that were trained on.${meant}`,
  };
}

const imagesAmong = (names: readonly string[]) =>
  names.filter((file) => extensions.has(extname(file).toLowerCase()));

/** The first names of many. */
const few = (names: readonly string[]) =>
  [...names.slice(0, 3), ...(names.length > 3 ? ['…'] : [])].join(', ');

function noImages(folder: string, found: readonly string[]): SelfgradError {
  return new SelfgradError(
    'ERR_DATA',
    `Expected a .jpg, .jpeg or .png file in ${folder} but received ${found.length === 0 ? 'an empty folder' : `only ${few(found)}`}.`,
    { fix: 'Put images there or remove the folder: each folder is a class.' },
  );
}

async function requireImages(folder: string): Promise<void> {
  const found = (await list(folder)).map(({ name }) => name);
  if (imagesAmong(found).length === 0) throw noImages(folder, found);
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
async function splitRoot(
  path: string,
  split: Split,
  { train, test }: Record<Split, string | null>,
): Promise<string> {
  const own = split === 'train' ? train : test;
  if (own === null) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected the folder ${split} in ${path} but received only ${train ?? test}.`,
      {
        fix: 'Add it, or give the inner folder as data.path to use it for both splits.',
      },
    );
  }
  if (train === null || test === null) return join(path, own);
  const [here, there] = await Promise.all([train, test].map((name) => subfolders(join(path, name))));
  const lacking = (all: string[] = [], others: string[] = []) => all.filter((name) => !others.includes(name));
  const [trainOnly, testOnly] = [lacking(here, there), lacking(there, here)];
  const odd = [...trainOnly.map((name) => join(train, name)), ...testOnly.map((name) => join(test, name))];
  if (odd.length === 0) return join(path, own);
  for (const folder of odd) await requireImages(join(path, folder));
  const only = [
    ...(trainOnly.length > 0 ? [`${trainOnly.join(', ')} in ${train} only`] : []),
    ...(testOnly.length > 0 ? [`${testOnly.join(', ')} in ${test} only`] : []),
  ].join(' and ');
  throw new SelfgradError(
    'ERR_DATA',
    `Expected the same classes in ${train} and ${test} of ${path} but received ${only}.`,
    {
      fix:
        trainOnly.length > 0 && testOnly.length > 0
          ? 'Give each class one name in both.'
          : `Add ${trainOnly.length > 0 ? join(path, test, trainOnly[0]!) : join(path, train, testOnly[0]!)} with its images, or remove the class.`,
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
