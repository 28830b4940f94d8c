import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/native/packageRoot.ts';

let bin: string;
beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), 'selfgrad-tools-'));
});
afterEach(() => rmSync(bin, { recursive: true, force: true }));

/** Puts programs of this machine on the PATH of the test. */
function link(...names: string[]): void {
  for (const name of names) {
    const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
    symlinkSync(found, join(bin, name));
  }
}

function script(name: string, text: string): string {
  const path = join(bin, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Runs the set-up with nothing on the PATH but what the test put there. */
function setup(env: NodeJS.ProcessEnv = {}) {
  const { status, stderr } = spawnSync(process.execPath, [join(packageRoot, 'scripts/setup.mjs')], {
    env: { PATH: bin, HOME: bin, ...env },
    encoding: 'utf8',
  });
  return { status, stderr };
}

describe('the set-up', () => {
  it.runIf(process.platform === 'linux')('says that a compiler is missing', () => {
    expect(setup()).toEqual({
      status: 4,
      stderr:
        'No C++ compiler was found. Install one (for example with: apt-get install g++), or set CXX to it.\n',
    });
  });

  it('says that the compiler in CXX cannot be run', () => {
    const { status, stderr } = setup({ CXX: '/nowhere/c++' });
    expect(status).toBe(4);
    expect(stderr).toMatch(
      /^CXX is set to \/nowhere\/c\+\+, which cannot be run\. Install one \(.*\), or set CXX to it\.\n$/,
    );
  });

  it('says that a compiler is too old for C++20', () => {
    link('sh', 'printf');
    const old = script('old-c++', '[ "$1" = --version ] && echo "old-c++ 4.8.5" && exit 0\nexit 1');
    const { status, stderr } = setup({ CXX: old });
    expect(status).toBe(4);
    expect(stderr).toMatch(
      /old-c\+\+ cannot compile C\+\+20\. Install GCC 11 or Clang 14 or newer \(.*\), or set CXX to one\.\n$/,
    );
  });

  it('says that CMake is missing, or too old', () => {
    link('sh', 'c++', 'as');
    const missing = setup();
    expect(missing.status).toBe(4);
    expect(missing.stderr).toMatch(/^CMake was not found\. Install it \(.*\)\.\n$/);
    script('cmake', 'echo "cmake version 3.18.4"');
    const old = setup();
    expect(old.status).toBe(4);
    expect(old.stderr).toMatch(
      /^CMake 3\.22 or newer is needed, but this is 3\.18\.4\. Install a newer one \(.*\)\.\n$/,
    );
  });

  it('says that there is neither ninja nor make', () => {
    link('sh', 'c++', 'as');
    script('cmake', 'echo "cmake version 3.25.1"');
    const { status, stderr } = setup();
    expect(status).toBe(4);
    expect(stderr).toMatch(/^Neither ninja nor make was found\. Install one \(.*\)\.\n$/);
  });

  it('says how much disk space is missing, and where', async () => {
    const { checkDisk } = (await import(join(packageRoot, 'scripts/tools.mjs'))) as {
      checkDisk(needs: object[], freeMegabytes: () => Promise<number>): Promise<void>;
    };
    const needs = [{ folder: '/somewhere', megabytes: 600, purpose: 'the build' }];
    await expect(checkDisk(needs, async () => 12.5)).rejects.toThrow(
      '600 MB of free disk space are needed in /somewhere for the build, but only 12 MB are free. Free some space and run this again.',
    );
    await expect(checkDisk(needs, async () => 600)).resolves.toBeUndefined();
  });
});
