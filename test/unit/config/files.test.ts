import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfigFile } from '../../../src/config/files.ts';
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

describe('readConfigFile', () => {
  it('reads YAML and JSON', () => {
    const yaml = file('a.yaml', '# a comment\nthreat:\n  eps: 8/255\ntrain: { lr: 0.1 }\n');
    const json = file('a.json', '{ "threat": { "eps": "8/255" }, "train": { "lr": 0.1 } }');
    const values = { threat: { eps: '8/255' }, train: { lr: 0.1 } };
    expect(readConfigFile(yaml)).toEqual({ origin: yaml, values });
    expect(readConfigFile(json)).toEqual({ origin: json, values });
  });

  it('takes an empty file as no options', () => {
    expect(readConfigFile(file('empty.yaml', '# nothing\n')).values).toEqual({});
  });

  it('says why a file cannot be read', () => {
    const missing = join(folder, 'none.yaml');
    expect(refusal(() => readConfigFile(missing))).toBe(
      `ERR_CONFIG  Cannot read the configuration file ${missing}: there is no such file.`,
    );
    expect(refusal(() => readConfigFile(folder))).toBe(
      `ERR_CONFIG  Cannot read the configuration file ${folder}: it is a directory.`,
    );
  });

  it('says where a file cannot be parsed', () => {
    const path = file('bad.yaml', 'seed: 1\ntrain: { lr: 0.1\n');
    expect(refusal(() => readConfigFile(path))).toMatch(
      /^ERR_CONFIG {2}Cannot parse the configuration file .*bad\.yaml: .* at line 3, column 1\.$/,
    );
  });

  it('refuses a key that is given twice', () => {
    expect(refusal(() => readConfigFile(file('twice.yaml', 'seed: 1\nseed: 2\n')))).toMatch(
      /Map keys must be unique at line 2/,
    );
  });

  it('refuses a file that holds no options', () => {
    const path = file('list.yaml', '- 1\n- 2\n');
    expect(refusal(() => readConfigFile(path))).toBe(
      `ERR_CONFIG  Expected a group of options in ${path} but received [1,2] (array).`,
    );
  });
});
