/** The programs of the README and of docs/deploy.md must compile as a reader would paste them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { codeBlocks, readPage, root } from './markdown.ts';

/** What the compiler says about a program that imports selfgrad; empty when it is right. */
function compile(program: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'selfgrad-readme-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'program.mts'), program);
  const compilerOptions = {
    rootDir: '/',
    noEmit: true,
    allowImportingTsExtensions: true,
    rewriteRelativeImportExtensions: false,
    typeRoots: [join(root, 'node_modules/@types')],
    paths: { selfgrad: [join(root, 'src/index.ts')] },
  };
  const project = join(folder, 'tsconfig.json');
  writeFileSync(
    project,
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: ['program.mts'] }),
  );
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' });
  return status === 0 ? '' : stdout;
}

const programs = codeBlocks(readPage('README.md'), 'ts');

test('the README holds one program of at most ten lines after its import', () => {
  expect(programs).toHaveLength(1);
  const lines = programs[0]!.split('\n').filter((line) => line !== '' && !line.startsWith('import'));
  expect(lines.length).toBeLessThanOrEqual(10);
});

test('the program compiles against the package', () => {
  expect(compile(programs[0]!)).toBe('');
});

test.each(codeBlocks(readPage('docs/deploy.md'), 'ts'))(
  'docs/deploy.md: program %# compiles, too',
  (program) => {
    expect(compile(program)).toBe('');
  },
);

test("the loader of docs/deploy.md is the one that examples/pytorch holds, which made the tests' values", () => {
  const [loader] = codeBlocks(readPage('docs/deploy.md'), 'python');
  const [imports, body] = loader!.split('\n\n\n');
  const example = readPage('examples/pytorch/networks.py');
  expect(example).toContain(imports);
  expect(example).toContain(body);
});

test('the compiler would catch a misspelt option', () => {
  expect(compile(programs[0]!.replace('epochs:', 'epoch:'))).toContain('epoch');
});
