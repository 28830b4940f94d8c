import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { encode } from 'fast-png';
import { expect, test } from 'vitest';
import { type ManifestOptions, openManifest } from '../../../src/data/manifest.ts';
import { SelfgradError } from '../../../src/errors.ts';
import { damaged } from './arrayFiles.ts';
import { readAll, temporaryFolders } from './synthetic.ts';

const newFolder = temporaryFolders();

/** One pixel of a grey. */
const png = (grey: number, width = 1) =>
  Buffer.from(encode({ width, height: 1, data: new Uint8Array(width).fill(grey), channels: 1, depth: 8 }));

/** A folder with one-pixel images `0.png` … `9.png`, `in/9.png`, and the files. */
function folderWith(files: Record<string, string | Buffer>): string {
  const path = newFolder();
  const images = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`${i}.png`, png(i)]));
  for (const [name, content] of Object.entries({ ...images, 'in/9.png': png(99), ...files })) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

async function refusal(
  files: Record<string, string | Buffer>,
  options: Partial<ManifestOptions> = {},
): Promise<string> {
  const path = folderWith(files);
  const outcome = await openManifest({ path: join(path, Object.keys(files)[0]!), ...options })
    .then(readAll)
    .catch((error: unknown) => error);
  if (!(outcome instanceof SelfgradError)) throw new Error(`not refused: ${JSON.stringify(outcome)}`);
  return `${outcome.code} ${outcome.message.replaceAll(path, 'DIR')}`;
}

test('CSV with names and both splits: sorted classes, order of the file', async () => {
  const path = folderWith({
    'labels.csv':
      'split,label,extra,path\ntrain,dog,x,3.png\ntest,"a ""cat""",,1.png\r\ntrain,bird,,in/9.png\nval,dog,,2.png\n',
  });
  const file = join(path, 'labels.csv');
  const source = await openManifest({ path: file, channels: 1 });
  expect([source.name, source.count, source.classes, source.note]).toEqual([
    'labels.csv',
    2,
    ['a "cat"', 'bird', 'dog'],
    '1 rows of a validation split left out',
  ]);
  expect(await readAll(source)).toEqual({ images: [3, 99], labels: [2, 1], indices: [0, 1] });
  const test = await openManifest({ path: file, split: 'test', channels: 1 });
  expect(await readAll(test)).toEqual({ images: [1], labels: [0], indices: [0] });
});

test('JSON Lines in a folder: numbers count over both splits, or name lines of classes.txt', async () => {
  const path = folderWith({
    'train.jsonl': '{"path":"1.png","label":0}\n\n{"label":"2","path":"2.png"}\r\n',
    'test.jsonl': '{"path":"3.png","label":4}',
  });
  const source = await openManifest({ path, channels: 1 });
  expect([source.classes, source.note]).toEqual([['0', '1', '2', '3', '4'], null]);
  expect(await readAll(source)).toEqual({ images: [1, 2], labels: [0, 2], indices: [0, 1] });
  writeFileSync(join(path, 'classes.txt'), 'a\nb\nc\nd\ne\n');
  const named = await openManifest({ path, split: 'test', channels: 1 });
  expect([named.classes, (await readAll(named)).labels]).toEqual([['a', 'b', 'c', 'd', 'e'], [4]]);
});

test('without a column split both splits are the same images; images are resized on demand', async () => {
  const path = join(
    folderWith({ 'a.csv': 'path,label\n1.png,x\nwide.png,y\n', 'wide.png': png(7, 5) }),
    'a.csv',
  );
  for (const split of ['train', 'test'] as const) {
    const source = await openManifest({ path, split, size: [2, 2] });
    expect([source.count, source.channels, source.height, source.width]).toEqual([2, 3, 2, 2]);
    expect(source.note).toMatch(/^no column split: both splits are the same images; resized to 2×2 by sharp/);
    expect((await readAll(source)).images).toEqual([...Array(12).fill(1), ...Array(12).fill(7)]);
  }
});

test('outside: only on demand may images lie elsewhere', async () => {
  const other = folderWith({});
  const path = folderWith({ 'a.csv': `path,label\n${join(other, '4.png')},x\nin/../5.png,y\n` });
  const file = join(path, 'a.csv');
  await expect(openManifest({ path: file })).rejects.toThrow(
    `Expected a path inside of the manifest's folder in line 2 of ${file} but received ${join(other, '4.png')}. Set data.outside=true if you trust the manifest.`,
  );
  const source = await openManifest({ path: file, outside: true, channels: 1 });
  expect((await readAll(source)).images).toEqual([4, 5]);
});

const csv = (text: string) => ({ 'a.csv': text });
const jsonl = (text: string) => ({ 'a.jsonl': text });
const columns = 'The first line names the columns: path,label or path,label,split.';

test.each<[string, Record<string, string | Buffer>, string, Partial<ManifestOptions>?]>([
  [
    'no header',
    csv('1.png,cat\n'),
    `ERR_DATA Expected columns path and label, each once, in line 1 of DIR/a.csv but received 1.png,cat. ${columns}`,
  ],
  [
    'a column twice',
    csv('path,label,label\n'),
    `ERR_DATA Expected columns path and label, each once, in line 1 of DIR/a.csv but received path,label,label. ${columns}`,
  ],
  [
    'an empty file',
    csv(''),
    `ERR_DATA Expected columns path and label, each once, in line 1 of DIR/a.csv but received none. ${columns}`,
  ],
  [
    'no rows',
    csv('path,label\n'),
    'ERR_DATA Expected images of the train split in DIR/a.csv but received none. Give one manifest with a column split, or a folder with train.csv and test.csv (or .jsonl).',
  ],
  [
    'an empty path',
    csv('path,label\n,x\n'),
    'ERR_DATA Expected a path in line 2 of DIR/a.csv but received "". Correct the line.',
  ],
  [
    'an empty label',
    csv('path,label\n1.png,\n'),
    'ERR_DATA Expected a label in line 2 of DIR/a.csv but received "". Correct the line.',
  ],
  [
    'an unknown split',
    csv('path,label,split\n1.png,x,trian\n'),
    'ERR_DATA Expected the split train, test or val in line 2 of DIR/a.csv but received "trian". Correct the line.',
  ],
  [
    'a name among numbers',
    csv('path,label\n1.png,1\n2.png,1O\n'),
    'ERR_LABEL Expected a number for the label in line 3 of DIR/a.csv, as before, but received 1O. Write names or numbers throughout, or list the classes in classes.txt.',
  ],
  [
    'a label that classes.txt lacks',
    { ...csv('path,label\n1.png,a\n2.png,c\n'), 'classes.txt': 'a\nb\n' },
    'ERR_LABEL Expected one of the 2 classes (a, b) for the label in line 3 of DIR/a.csv but received c. Correct the label or classes.txt.',
  ],
  [
    'a label of billions',
    csv('path,label\n1.png,4000000000\n'),
    'ERR_LABEL Expected one of the 65536 classes (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …) for the label in line 2 of DIR/a.csv but received 4000000000. Correct the label or classes.txt.',
  ],
  [
    'a path that leads out',
    csv('path,label\nin/../../1.png,x\n'),
    "ERR_DATA Expected a path inside of the manifest's folder in line 2 of DIR/a.csv but received in/../../1.png. Set data.outside=true if you trust the manifest.",
  ],
  [
    'an image that is not there',
    csv('path,label\n1.png,x\ngone.png,y\n'),
    'ERR_DATA Expected a readable image at DIR/gone.png (line 3 of DIR/a.csv) but received nothing there (ENOENT). Check the path and its permissions.',
  ],
  [
    'a file that is no image',
    csv('path,label\n1.png,x\na.csv,y\n'),
    'ERR_DATA Expected a whole JPEG or PNG image in DIR/a.csv (line 3 of DIR/a.csv) but received the bytes 70617468. Repair, replace or remove the file.',
  ],
  [
    'an image of another size',
    { ...csv('path,label\n1.png,x\nwide.png,y\n'), 'wide.png': png(1, 2) },
    'ERR_DATA Expected an image of 1×1 (height×width, as the first) for DIR/wide.png (line 3 of DIR/a.csv) but received 1×2. Choose one size for all, e.g. data.size=[64,64] (--size 64x64 for `selfgrad data`).',
  ],
  [
    'a line that is no object',
    jsonl('{"path":"1.png","label":0}\n["2.png",1]\n'),
    'ERR_DATA Expected a JSON object in line 2 of DIR/a.jsonl but received "[\\"2.png\\",1]". Correct the line.',
  ],
  [
    'a truncated line',
    jsonl('{"path":"1.png","label":0}\n{"path":'),
    'ERR_DATA Expected a JSON object in line 2 of DIR/a.jsonl but received "{\\"path\\":". Correct the line.',
  ],
  [
    'a fraction as label',
    jsonl('{"path":"1.png","label":0.5}'),
    'ERR_DATA Expected a label in line 1 of DIR/a.jsonl but received 0.5. Correct the line.',
  ],
  [
    'a split in some rows',
    jsonl('{"path":"1.png","label":0,"split":"train"}\n{"path":"2.png","label":1}'),
    'ERR_DATA Expected a split in every row or in none in line 2 of DIR/a.jsonl but received none. Correct the line.',
  ],
  [
    'other bytes than UTF-8',
    { 'a.csv': Buffer.from([0xff, 0xfe, 0]) },
    'ERR_DATA Expected UTF-8 in DIR/a.csv but received other bytes. Correct the line.',
  ],
])('%s is refused', async (_, files, message, options) => {
  expect(await refusal(files, options)).toBe(message);
});

test('a missing manifest is named', async () => {
  const path = folderWith({ 'train.csv': 'path,label\n1.png,x\n' });
  await expect(openManifest({ path, split: 'test' })).rejects.toThrow(
    `Expected images of the test split in ${path} but received none.`,
  );
  const gone = join(path, 'gone.csv');
  await expect(openManifest({ path: gone })).rejects.toThrow(
    `Expected a .csv file or a folder at ${gone} but received nothing there (ENOENT).`,
  );
});

test.each(['a.csv', 'a.jsonl'])('random damage to %s is read as it stands or refused', async (name) => {
  const rows = Array.from({ length: 4 }, (_, i) => [`${i}.png`, i % 2] as const);
  const text =
    name === 'a.csv'
      ? `path,label\n${rows.map((row) => row.join()).join('\n')}\n`
      : rows.map(([path, label]) => JSON.stringify({ path, label })).join('\n');
  const path = join(folderWith({ [name]: text }), name);
  await fc.assert(
    fc.asyncProperty(damaged(Buffer.from(text), 2), async (written) => {
      writeFileSync(path, written);
      const outcome = await openManifest({ path, channels: 1 })
        .then(readAll)
        .catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(SelfgradError);
      else expect((outcome as { images: number[] }).images.every((grey) => grey < 10)).toBe(true);
    }),
    { numRuns: 100 },
  );
});
