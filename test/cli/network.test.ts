/**
 * No network unless asked: a preloaded library notes every connection that a command, or what it starts, asks for. The
 * command that does ask for one shows that the library would have noted it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selfgrad } from './selfgrad.ts';

const folder = mkdtempSync(join(tmpdir(), 'selfgrad-network-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const library = join(folder, 'connects.so');
const run = join(folder, 'run');
let calls = 0;

function hasCompiler(): boolean {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return process.platform === 'linux';
  } catch {
    return false;
  }
}

/** Runs a command; `asked` is what it asked of the network. */
async function watched(args: readonly string[]) {
  calls += 1;
  const log = join(folder, `${calls}.log`);
  const { status, stderr } = await selfgrad(args, {
    cwd: folder,
    env: { LD_PRELOAD: library, CONNECT_LOG: log },
  });
  return { status, stderr, asked: existsSync(log) ? readFileSync(log, 'utf8') : '' };
}

const small = [
  ...['model.architecture=small-cnn', 'model.width=4', 'threads=1', 'train.epochs=1', 'data.trainCount=64'],
  ...['train.validate.count=32', 'data.testCount=32'],
];

describe.skipIf(!hasCompiler())('the network', () => {
  beforeAll(() => {
    const source = fileURLToPath(new URL('connects.c', import.meta.url));
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, source, '-ldl']);
  });

  // In this order: each works on what the first ones leave.
  it.each<[string, string[]]>([
    ['train', ['train', '--out', run, ...small]],
    ['eval', ['eval', run, 'evaluate.attacks=[{name: pgd, steps: 2}]']],
    ['export', ['export', run]],
    ['doctor', ['doctor']],
    ['libtorch install, where it is', ['libtorch', 'install']],
  ])('is not asked by %s', async (_, args) => {
    const { status, stderr, asked } = await watched(args);
    expect({ status, asked }, stderr).toEqual({ status: 0, asked: '' });
  });

  it('is asked by data fetch, on which it depends', async () => {
    const args = [
      'data',
      'fetch',
      'mnist',
      '--out',
      join(folder, 'mnist'),
      '--url',
      'https://localhost:61009/',
    ];
    const { status, asked } = await watched(args);
    expect(status).toBe(4);
    expect(asked).toMatch(/^getaddrinfo\nconnect\n/);
  });
});
