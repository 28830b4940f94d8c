/** Both packages name the repository that they come from: npm refuses provenance to one that does not. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/native/packageRoot.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'selfgrad-repository-'));
  mkdirSync(join(folder, 'libtorch/lib'), { recursive: true });
  mkdirSync(join(folder, 'prebuilds'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** `repository` of both packages, made by a process with this environment. */
function repositories(env: NodeJS.ProcessEnv): unknown[] {
  const code = `
    const { finishLibtorchPackage } = await import('./scripts/libtorch-package.mjs');
    const { layOut } = await import('./scripts/package.mjs');
    await finishLibtorchPackage(${JSON.stringify(join(folder, 'libtorch'))});
    await layOut(${JSON.stringify(join(folder, 'selfgrad'))}, ${JSON.stringify(join(folder, 'prebuilds'))});`;
  const { GITHUB_SERVER_URL: _, GITHUB_REPOSITORY: __, ...rest } = process.env;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: packageRoot,
    env: { ...rest, ...env },
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  return ['libtorch', 'selfgrad'].map(
    (name) => JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')).repository,
  );
}

describe('the repository in published packages', () => {
  it('is the one that the release workflow runs in', () => {
    const named = { type: 'git', url: 'git+https://example.org/someone/selfgrad.git' };
    expect(
      repositories({ GITHUB_SERVER_URL: 'https://example.org', GITHUB_REPOSITORY: 'someone/selfgrad' }),
    ).toEqual([named, named]);
  });

  it('is what package.json says, and absent where nothing says it', () => {
    const { repository } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
    expect(repositories({})).toEqual([repository, repository]);
  });
});
