/** The programs of the documentation, compiled and run as a reader would, on fewer images and fewer steps. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../src/native/packageRoot.ts';
import { codeBlocks, pages, readPage } from '../unit/docs/markdown.ts';

/** What makes the programs short. */
const shorter: [from: RegExp, to: string][] = [
  [/\bepochs: 4\b/g, 'epochs: 0.05'],
  [/split: 'test' \}/g, "split: 'test', limit: 6 }"],
  [/train\(\{ model: /g, 'train({ train: { epochs: 0.05, validate: { every: 0 } }, model: '],
  // CIFAR-10 would have to be fetched.
  [/inputShape: \[3, 32, 32\]/g, 'inputShape: [1, 28, 28]'],
  [/source: 'cifar10'/g, "source: 'fashion-mnist-mini'"],
];

/** What a program that is not whole takes from its reader. */
const preamble = `(globalThis as any).session = { run: async (images: Float32Array, count: number) =>
  Float32Array.from({ length: 10 * count }, (_, i) => (i % 10 === 3 ? 1 : 0) + images[i]!) };\n`;

const programs = pages.flatMap((page) =>
  codeBlocks(readPage(page), 'ts').map((text, i) => ({ name: `${page.replace(/\W/g, '-')}-${i}`, text })),
);

/** What each prints, where a reader looks for it. */
const printed: Record<string, RegExp> = {
  'README-md-0': /^1 [\d.]+\nclean [\d.]+, robust [\d.]+ \([\d.]+ … [\d.]+\)\n$/,
  'docs-deploy-md-0': /^(\S.* [\d.]+\n){2}20 \[ 2, 10 \]\n$/,
  'docs-first-model-md-0': /^((falling|rising) [\d.]+\n){4}$/,
  'docs-first-model-md-1': /className: '(falling|rising)'/,
};

let folder: string;

function run(command: string, ...args: string[]) {
  const env = { ...process.env, OMP_NUM_THREADS: '1' };
  return spawnSync(process.execPath, [command, ...args], { cwd: folder, encoding: 'utf8', env });
}

/** Trains for a moment, into the directory that the documentation's programs load. */
function train(out: string, ...options: string[]): void {
  const args = ['train', '--quiet', '--out', out, 'train.epochs=0.05', 'train.validate.every=0', ...options];
  const { status, stderr } = run(join(packageRoot, 'dist/cli/main.js'), ...args);
  expect(status, stderr).toBe(0);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'selfgrad-documented-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(packageRoot, join(folder, 'node_modules/selfgrad'), 'dir');
  for (const split of ['train', 'test'])
    for (const [label, name] of ['falling', 'rising'].entries()) {
      mkdirSync(join(folder, 'photos', split, name), { recursive: true });
      for (const i of [0, 1]) {
        const pixels = Uint8Array.from({ length: 40 * 40 * 3 }, (_, k) => (label ? k : 4800 - k) / 20 + i);
        const photo = sharp(pixels, { raw: { width: 40, height: 40, channels: 3 } }).jpeg();
        await photo.toFile(join(folder, 'photos', split, name, `${i}.jpg`));
        await photo.toFile(join(folder, 'photo.jpg'));
      }
    }
  const small = ['model.architecture=small-cnn', 'model.width=4'];
  train('runs/quickstart', ...small);
  train('runs/other', ...small, 'seed=1');
  const photos = ['data.source=image-folder', 'data.path=photos', 'data.size=[32,32]', 'data.cache=false'];
  train('runs/photos', ...photos, 'train.batchSize=2');
  for (const { name, text } of programs) {
    const whole = shorter.reduce((program, [from, to]) => program.replace(from, to), text);
    writeFileSync(join(folder, `${name}.mts`), preamble + whole);
  }
  const compilerOptions = {
    rootDir: '.',
    outDir: 'built',
    declaration: false,
    noUnusedLocals: false,
    typeRoots: [join(packageRoot, 'node_modules/@types')],
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(packageRoot, 'tsconfig.json'), compilerOptions, include: ['*.mts'] }),
  );
  const compiled = run(join(packageRoot, 'node_modules/typescript/bin/tsc'), '-p', '.');
  expect(compiled.stdout).toBe('');
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('what makes the programs short is found in them', () => {
  for (const [from] of shorter) expect(programs.filter(({ text }) => text.search(from) >= 0)).not.toEqual([]);
  expect(programs.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(printed)));
});

test.each(programs)('$name runs', { timeout: 120_000 }, ({ name }) => {
  const { status, stdout, stderr } = run(join('built', `${name}.mjs`));
  expect(status, stderr).toBe(0);
  expect(stdout).toMatch(printed[name] ?? /(?:)/);
});
