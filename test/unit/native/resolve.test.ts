import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ResolveEnvironment, resolveLibtorch } from '../../../src/native/libtorch/resolve.ts';
import { makeInstalled, makeTree } from './fakeTree.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'selfgrad-resolve-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (...parts: string[]) => join(folder, ...parts);

/** A machine with nothing on it but an empty home. */
function bareMachine(env: NodeJS.ProcessEnv = {}): Partial<ResolveEnvironment> {
  return {
    env: { PATH: at('bin'), HOME: at('home'), ...env },
    platform: 'linux',
    arch: 'x64',
    version: '2.11.0',
    packageRoot: at('package'),
    systemRoots: [at('system')],
  };
}

/** A Python that answers where its torch is, without being one. */
function makePython(path: string, torch: string | null, version: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho '${torch ?? ''}'\n`);
  chmodSync(path, 0o755);
  if (torch === null) return;
  makeTree(torch, version.split('+')[0] ?? '');
  writeFileSync(join(torch, 'version.py'), `__version__ = '${version}'\ndebug = False\n`);
}

const cached = () => at('home/.cache/selfgrad/libtorch-2.11.0-linux-x64');
const packaged = () => at('package/node_modules/@selfgrad/libtorch-linux-x64');

function makePackaged(version: string): void {
  makeTree(packaged(), version);
  writeFileSync(join(packaged(), 'package.json'), '{"name":"@selfgrad/libtorch-linux-x64"}');
}

describe('resolveLibtorch', () => {
  it('takes each place in its order: LIBTORCH, cache, package, python, system', () => {
    makeTree(at('own'), '2.11.0');
    makeInstalled(cached(), '2.11.0');
    makePackaged('2.11.0');
    makePython(at('bin/python3'), at('site-packages/torch'), '2.11.0+cu130');
    makeTree(at('system'), '2.11.0');

    expect(resolveLibtorch(bareMachine({ LIBTORCH: at('own') }))).toMatchObject({
      source: 'LIBTORCH',
      root: at('own'),
      libtorchCpu: at('own/lib/libtorch_cpu.so'),
      version: '2.11.0',
    });
    expect(resolveLibtorch(bareMachine())).toMatchObject({ source: 'cache', root: cached() });
    rmSync(cached(), { recursive: true });
    expect(resolveLibtorch(bareMachine())).toMatchObject({ source: 'package', root: packaged() });
    rmSync(packaged(), { recursive: true });
    expect(resolveLibtorch(bareMachine())).toMatchObject({
      source: 'python',
      root: at('site-packages/torch'),
    });
    rmSync(at('bin/python3'));
    expect(resolveLibtorch(bareMachine())).toMatchObject({ source: 'system', root: at('system') });
  });

  it('takes one that computes on GPUs before all others when there is a GPU to compute on', () => {
    makeInstalled(cached(), '2.11.0');
    makePython(at('bin/python3'), at('site-packages/torch'), '2.11.0+cu130');
    const machine = { ...bareMachine(), cuda: true };
    expect(resolveLibtorch(machine)).toMatchObject({ source: 'cache', libtorchCuda: null });
    const library = at('site-packages/torch/lib/libtorch_cuda.so');
    writeFileSync(library, '');
    expect(resolveLibtorch(machine)).toMatchObject({ source: 'python', libtorchCuda: library });
    expect(resolveLibtorch(bareMachine())).toMatchObject({ source: 'cache' });
  });

  it('takes one without headers to run, but not to build', () => {
    makePackaged('2.11.0');
    rmSync(join(packaged(), 'include'), { recursive: true });
    makeTree(at('system'), '2.11.0');
    expect(resolveLibtorch(bareMachine())).toMatchObject({ source: 'package', version: null });
    expect(resolveLibtorch({ ...bareMachine(), headers: true })).toMatchObject({ source: 'system' });
    rmSync(at('system'), { recursive: true });
    expect(() => resolveLibtorch({ ...bareMachine(), headers: true })).toThrow(
      '@selfgrad/libtorch-linux-x64 (has no headers)',
    );
  });

  it('asks $PYTHON, then a virtual environment, then conda, before python3', () => {
    makePython(at('own/python'), at('own/torch'), '2.11.0');
    makePython(at('venv/bin/python'), at('venv/torch'), '2.11.0');
    makePython(at('conda/bin/python'), at('conda/torch'), '2.11.0');
    makePython(at('bin/python3'), at('path/torch'), '2.11.0');
    const env: NodeJS.ProcessEnv = {
      PYTHON: at('own/python'),
      VIRTUAL_ENV: at('venv'),
      CONDA_PREFIX: at('conda'),
    };
    expect(resolveLibtorch(bareMachine(env)).root).toBe(at('own/torch'));
    delete env.PYTHON;
    expect(resolveLibtorch(bareMachine(env)).root).toBe(at('venv/torch'));
    delete env.VIRTUAL_ENV;
    expect(resolveLibtorch(bareMachine(env)).root).toBe(at('conda/torch'));
    delete env.CONDA_PREFIX;
    expect(resolveLibtorch(bareMachine(env)).root).toBe(at('path/torch'));
  });

  it('lists every place with its reason and the one command that mends it', () => {
    makePython(at('bin/python3'), null, '');
    makePython(at('venv/bin/python'), at('venv/torch'), '2.15.0+cu132');
    mkdirSync(at('system'));
    expect(() => resolveLibtorch(bareMachine({ VIRTUAL_ENV: at('venv') }))).toThrow(
      expect.objectContaining({
        code: 'ERR_LIBTORCH',
        exitCode: 4,
        message:
          `LibTorch 2.11.0 not found. Tried: $LIBTORCH (unset), ${cached()} (absent), ` +
          '@selfgrad/libtorch-linux-x64 (not installed), ' +
          `$VIRTUAL_ENV (${at('venv')}) (has torch 2.15.0+cu132, not 2.11.0), python3 (has no torch), ` +
          `${at('system')} (has no lib/libtorch_cpu.so). Run: npx selfgrad libtorch install`,
      }),
    );
  });

  it('stops at a LIBTORCH that is set but unusable, even when another place has one', () => {
    makeInstalled(cached(), '2.11.0');
    expect(() => resolveLibtorch(bareMachine({ LIBTORCH: at('nowhere') }))).toThrow(
      `Expected LibTorch 2.11.0 in $LIBTORCH but ${at('nowhere')} is absent. ` +
        'Point LIBTORCH at a folder with lib/ and include/ of LibTorch 2.11.0, or unset it.',
    );
    makeTree(at('newer'), '2.15.0');
    expect(() => resolveLibtorch(bareMachine({ LIBTORCH: at('newer') }))).toThrow(
      `Expected LibTorch 2.11.0 in $LIBTORCH but ${at('newer')} is LibTorch 2.15.0, not 2.11.0.`,
    );
  });

  it('does not trust a cache without manifest, or with a library of another size', () => {
    makeTree(cached(), '2.11.0');
    expect(() => resolveLibtorch(bareMachine())).toThrow(`${cached()} (has no readable manifest.json)`);
    makeInstalled(cached(), '2.11.0');
    truncateSync(join(cached(), 'lib/libtorch_cpu.so'), 3);
    expect(() => resolveLibtorch(bareMachine())).toThrow(`${cached()} (is damaged at lib/libtorch_cpu.so)`);
  });

  it('does not take a system library that cannot tell its version', () => {
    makeTree(at('system'), null);
    expect(() => resolveLibtorch(bareMachine())).toThrow(`${at('system')} (of unknown version)`);
  });
});
