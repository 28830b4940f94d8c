/** The programs of the documentation must compile as a reader would paste them. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { planSweep } from '../../../src/sweep/plan.ts';
import { codeBlocks, pages, readPage, root } from './markdown.ts';

/** What the compiler says about programs that import selfgrad, each by its name; empty when they are right. */
function compile(programs: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'selfgrad-readme-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, program] of Object.entries(programs)) writeFileSync(join(folder, `${name}.mts`), program);
  const compilerOptions = {
    rootDir: '/',
    noEmit: true,
    allowImportingTsExtensions: true,
    rewriteRelativeImportExtensions: false,
    // A reader uses what an example computes.
    noUnusedLocals: false,
    typeRoots: [join(root, 'node_modules/@types')],
    paths: { selfgrad: [join(root, 'src/index.ts')] },
  };
  const project = join(folder, 'tsconfig.json');
  writeFileSync(
    project,
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.mts'] }),
  );
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' });
  return status === 0 ? '' : stdout;
}

/** The blocks of a language in all pages, as `docs-attacks.0` and so on. */
function allBlocks(language: string): Record<string, string> {
  return Object.fromEntries(
    pages.flatMap((page) =>
      codeBlocks(readPage(page), language).map((block, i) => [`${page.replace(/\W/g, '-')}.${i}`, block]),
    ),
  );
}

const programs = codeBlocks(readPage('README.md'), 'ts');

test('the README holds one program of at most ten lines after its import', () => {
  expect(programs).toHaveLength(1);
  const lines = programs[0]!.split('\n').filter((line) => line !== '' && !line.startsWith('import'));
  expect(lines.length).toBeLessThanOrEqual(10);
});

test('every TypeScript program compiles against the package', () => {
  const all = allBlocks('ts');
  expect(Object.keys(all).length).toBeGreaterThan(3);
  expect(compile(all)).toBe('');
});

test.each(Object.entries(allBlocks('js')))('%s: JavaScript that can be parsed', (_, program) => {
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--check'], {
    input: program,
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
});

test.each(Object.entries(allBlocks('yaml')))('%s: a configuration or a sweep', (_, text) => {
  const values = parseYaml(text);
  if ('grid' in values) expect(planSweep({ origin: 'docs', values }).runs.length).toBeGreaterThan(1);
  else expect(() => resolveConfig([{ origin: 'docs', values }])).not.toThrow();
});

test.each(pages)('%s: scripts that its commands name exist', (page) => {
  const { scripts } = JSON.parse(readPage('package.json'));
  const lines = codeBlocks(readPage(page), 'sh').flatMap((block) => block.split('\n'));
  for (const line of lines) {
    const script = /^npm run ([\w:]+)/.exec(line)?.[1];
    if (script !== undefined) expect(Object.keys(scripts)).toContain(script);
    const file = /^node (\S+\.(?:mjs|js))/.exec(line)?.[1];
    if (file !== undefined && !file.includes('/dist/')) expect(existsSync(join(root, file)), file).toBe(true);
  }
});

test("the loader of docs/deploy.md is the one that examples/pytorch holds, which made the tests' values", () => {
  const [loader] = codeBlocks(readPage('docs/deploy.md'), 'python');
  const [imports, body] = loader!.split('\n\n\n');
  const example = readPage('examples/pytorch/networks.py');
  expect(example).toContain(imports);
  expect(example).toContain(body);
});

test('the compiler would catch a misspelt option', () => {
  expect(compile({ readme: programs[0]!.replace('epochs:', 'epoch:') })).toContain('epoch');
});
