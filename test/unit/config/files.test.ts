import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfigFile, readDataFile } from '../../../src/config/files.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { SelfgradError } from '../../../src/errors.ts';
import { refusal } from './refusal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'selfgrad-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('readDataFile', () => {
  it('reads YAML and JSON', () => {
    const yaml = file('a.yaml', '# a comment\nthreat:\n  eps: 8/255\ntrain: { lr: 0.1 }\n');
    const json = file('a.json', '{ "threat": { "eps": "8/255" }, "train": { "lr": 0.1 } }');
    const values = { threat: { eps: '8/255' }, train: { lr: 0.1 } };
    expect(readDataFile(yaml)).toEqual({ origin: yaml, values });
    expect(readDataFile(json)).toEqual({ origin: json, values });
  });

  it('takes an empty file as no options', () => {
    expect(readDataFile(file('empty.yaml', '# nothing\n')).values).toEqual({});
  });

  it('says why a file cannot be read', () => {
    const missing = join(folder, 'none.yaml');
    expect(refusal(() => readDataFile(missing))).toBe(
      `ERR_CONFIG  Cannot read the configuration file ${missing}: there is no such file.`,
    );
    expect(refusal(() => readDataFile(folder))).toBe(
      `ERR_CONFIG  Cannot read the configuration file ${folder}: it is a directory.`,
    );
  });

  it('says where a file cannot be parsed', () => {
    const path = file('bad.yaml', 'seed: 1\ntrain: { lr: 0.1\n');
    expect(refusal(() => readDataFile(path))).toMatch(
      /^ERR_CONFIG {2}Cannot parse the configuration file .*bad\.yaml: .* at line 3, column 1\.$/,
    );
  });

  it('refuses a key that is given twice', () => {
    expect(refusal(() => readDataFile(file('twice.yaml', 'seed: 1\nseed: 2\n')))).toMatch(
      /Map keys must be unique at line 2/,
    );
  });

  it('refuses a file that holds no options', () => {
    const path = file('list.yaml', '- 1\n- 2\n');
    expect(refusal(() => readDataFile(path))).toBe(
      `ERR_CONFIG  Expected a group of options in ${path} but received [1,2] (array).`,
    );
  });
});

/** Code and message of what reading a file rejects with. */
async function rejection(path: string): Promise<string> {
  const error = await readConfigFile(path).catch((thrown: unknown) => thrown);
  if (error instanceof SelfgradError) return `${error.code}  ${error.message}`;
  throw new Error(`Expected a SelfgradError but got ${String(error)}`);
}

describe('readConfigFile', () => {
  it('reads YAML as readDataFile does', async () => {
    const path = file('a.yaml', 'seed: 3\n');
    expect(await readConfigFile(path)).toEqual(readDataFile(path));
  });

  it.each(['ts', 'mts'])('runs TypeScript (.%s): types, imports, top-level await', async (ending) => {
    file(
      'shared.ts',
      'export const rate: number = await Promise.resolve(0.05);\nexport type Rate = typeof rate;',
    );
    const path = file(
      `a.${ending}`,
      `import { type ConfigInput, defineConfig, pgdTraining } from 'selfgrad';
       import { type Rate, rate } from './shared.ts';
       const lr: Rate = rate * 2;
       export default defineConfig({ seed: 3, train: { lr, strategy: pgdTraining({ steps: 7 }) } } satisfies ConfigInput);`,
    );
    const { origin, values } = await readConfigFile(path);
    expect(origin).toBe(path);
    expect(values).toMatchObject({ seed: 3, train: { lr: 0.1, strategy: { name: 'pgd', steps: 7 } } });
  });

  it.each(['js', 'mjs'])('runs JavaScript (.%s)', async (ending) => {
    const path = file(`a.${ending}`, 'export default { seed: 1 + 2 };');
    expect(await readConfigFile(path)).toEqual({ origin: path, values: { seed: 3 } });
  });

  it('names the program as the origin of its values', async () => {
    const path = file('a.ts', "export default { preset: 'quickstart', train: { lr: 0.01 } };");
    const { config, origins } = resolveConfig([await readConfigFile(path)]);
    expect(config.train.lr).toBe(0.01);
    expect([origins.get('train.lr'), origins.get('train.epochs')]).toEqual([path, 'preset quickstart']);
  });

  it('reads a file anew after an edit', async () => {
    const path = file('a.ts', 'export default { seed: 1 };');
    expect((await readConfigFile(path)).values).toEqual({ seed: 1 });
    file('a.ts', 'export default { seed: 2 };');
    expect((await readConfigFile(path)).values).toEqual({ seed: 2 });
  });

  it('says that a program is missing as it says so of YAML', async () => {
    const missing = join(folder, 'none.ts');
    expect(await rejection(missing)).toBe(
      `ERR_CONFIG  Cannot read the configuration file ${missing}: there is no such file.`,
    );
  });

  const sample = 'Write: export default defineConfig({ … }).';
  const plain = 'Options are numbers, texts, true or false, null, lists and groups of these.';
  it.each([
    [
      'throws',
      "throw new Error('no GPU here');",
      (p: string) => `Cannot run the configuration file ${p}: no GPU here`,
    ],
    [
      'exports no default',
      'export const config = { seed: 1 };',
      (p: string) => `Expected a default export in ${p} but found none. ${sample}`,
    ],
    [
      'exports a function',
      'export default () => ({ seed: 1 });',
      (p: string) =>
        `Expected a group of options as the default export of ${p} but received () => ({ seed: 1 }) (function). ${sample}`,
    ],
    [
      'exports a list',
      'export default [1];',
      (p: string) =>
        `Expected a group of options as the default export of ${p} but received [1] (array). ${sample}`,
    ],
    [
      'holds a function',
      'export default { train: { lr: () => 1 } };',
      (p: string) =>
        `Expected plain values as the default export of ${p} but received a function at train.lr. ${plain}`,
    ],
    [
      'holds a class instance in a list',
      'export default { evaluate: { attacks: [{ name: new Map() }] } };',
      (p: string) =>
        `Expected plain values as the default export of ${p} but received a Map at evaluate.attacks[0].name. ${plain}`,
    ],
    [
      'holds itself',
      'const a = {}; a.train = a; export default a;',
      (p: string) =>
        `Expected plain values as the default export of ${p} but received a group that contains itself at train. ${plain}`,
    ],
  ])('refuses a program that %s', async (_, program, sentence) => {
    const path = file('bad.mjs', program);
    expect(await rejection(path)).toBe(`ERR_CONFIG  ${sentence(path)}`);
  });

  it('says where a program cannot be parsed', async () => {
    const path = file('bad.ts', 'export default {\n  seed: 1 2,\n};');
    expect(await rejection(path)).toMatch(
      /^ERR_CONFIG {2}Cannot run the configuration file .*bad\.ts: .*Unexpected token.*2:10/s,
    );
  });
});
