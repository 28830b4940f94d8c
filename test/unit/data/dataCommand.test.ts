import { copyFileSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { dataCommand } from '../../../src/cli/commands/data.ts';
import { FakeNativeDataset } from './fakeBinding.ts';
import { idxPair, temporaryFolders, writeIdxPair } from './synthetic.ts';

vi.mock('../../../src/native/load.ts', () => ({ loadBinding: () => ({ Dataset: FakeNativeDataset }) }));
const newFolder = temporaryFolders();
let folder: string;
beforeEach(() => {
  FakeNativeDataset.made = [];
  folder = newFolder();
  writeIdxPair(folder, idxPair());
});

/** Runs `data …` and returns what it printed on stdout. */
async function data(...args: string[]): Promise<string> {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  try {
    await dataCommand().parseAsync(args, { from: 'user' });
  } finally {
    vi.restoreAllMocks();
  }
  return out;
}

test('list: names every source and what it needs', async () => {
  const lines = (await data('list')).split('\n');
  expect(lines[0]).toMatch(/^source +what it is +data\.path holds$/);
  expect(lines.slice(1, -1).map((line) => line.split(' ')[0])).toEqual([
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
  const { schema, sources } = JSON.parse(await data('list', '--json'));
  expect([schema, sources[0]]).toEqual([
    'selfgrad.data-list/1',
    {
      name: 'fashion-mnist-mini',
      description: '12 000 images of Fashion-MNIST, in the package',
      needs: null,
    },
  ]);
});

test('verify: prints counts and fingerprint of both splits', async () => {
  expect(await data('verify')).toBe(
    [
      'data                split  images  shape    classes  sha256',
      'fashion-mnist-mini  train  10 000  1×28×28       10  63dae6e6a6539137338a6c2837d3e5aa626b795771d11943ebfb05bfdd7961ab',
      'fashion-mnist-mini  test    2 000  1×28×28       10  7c585f58ca952c27a84794cfa05630a8f120a07b12eee75d2ab015e1cdd50133',
      '',
    ].join('\n'),
  );
});

test('verify --json: prints one document', async () => {
  const { schema, splits } = JSON.parse(
    await data('verify', '--source', 'idx', '--path', folder, '--split', 'train', '--json'),
  );
  expect([schema, splits.length, splits[0].count, splits[0].shape]).toEqual([
    'selfgrad.data-verify/1',
    1,
    20,
    [1, 3, 2],
  ]);
});

test('stats: prints images of each class and what the core measured', async () => {
  const args = ['stats', '--source', 'idx', '--path', folder, '--split', 'train'];
  const text = await data(...args);
  expect(text).toContain('class  train\n    0      2\n    1      2\n');
  expect(text).toMatch(/\nmean +0\.2500\nstd +0\.5000\n\nexact duplicates +train\nof an earlier image +\d/);
  expect(JSON.parse(await data(...args, '--json')).splits[0]).toMatchObject({
    classCounts: Array(10).fill(2),
    mean: [0.25],
    std: [0.5],
  });
  expect(FakeNativeDataset.made.map(({ disposed }) => disposed)).toEqual([true, true]);
});

test('stats: images that occur in both splits are counted, with their indices', async () => {
  for (const name of ['images-idx3-ubyte', 'labels-idx1-ubyte'])
    copyFileSync(join(folder, `train-${name}`), join(folder, `t10k-${name}`));
  const args = ['stats', '--source', 'idx', '--path', folder];
  const text = await data(...args);
  expect(text).toMatch(/\nof a train image +20\n/);
  expect(text).toMatch(/\ntrain = test: 0 = 0, 1 = 1, .+, …\n$/);
  const { shared } = JSON.parse(await data(...args, '--json'));
  expect([shared.count, shared.conflicting, shared.examples.length]).toEqual([20, 0, 10]);
});

test('preview: writes a PNG of one split and says what is on it', async () => {
  const out = join(folder, 'sheet.png');
  const args = ['preview', '--source', 'idx', '--path', folder, '--per-class', '2', '--out', out];
  expect(await data(...args)).toBe(`${out}: 20 images of ${basename(folder)} train\n`);
  expect(readFileSync(out).subarray(1, 4).toString()).toBe('PNG');
  expect(JSON.parse(await data(...args, '--json'))).toMatchObject({ rows: 10, classes: 10, images: 20 });
});

test.each([
  [['--per-class', '0'], 'Expected an integer in [1, 100] for --per-class but received 0 (number).'],
  [['--split', 'both'], "Expected train or test for --split but received 'both' (string)."],
])('preview %j is refused', async (args, message) => {
  await expect(data('preview', ...args)).rejects.toMatchObject({ code: 'ERR_OPTION', message });
});

test.each([
  [['--split', 'val'], "Expected train, test or both for --split but received 'val' (string)."],
  [['--size', '32'], "Expected a height and a width such as 32x32 for --size but received '32' (string)."],
  [
    ['--source', 'image-folder', '--path', '.', '--channels', 'x'],
    'Expected 1 or 3 for channels but received NaN (number).',
  ],
])('verify %j is refused', async (args, message) => {
  await expect(data('verify', ...args)).rejects.toMatchObject({ code: 'ERR_OPTION', message });
});
