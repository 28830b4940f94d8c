import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveLibtorch } from '../../src/native/libtorch/resolve.ts';
import { packageRoot } from '../../src/native/packageRoot.ts';
import { makeProject } from './project.ts';

let folder: string;
let installed: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'selfgrad-gyp-'));
  ({ installed } = await makeProject(folder));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('node-gyp rebuild', () => {
  // It compiles the whole addon: quick only where ccache has seen these sources.
  it('builds an addon that loads, from the package as it is published', { timeout: 600_000 }, () => {
    const env = { ...process.env, LIBTORCH: resolveLibtorch().root };
    const nodeGyp = join(packageRoot, 'node_modules/node-gyp/bin/node-gyp.js');
    // Node's own headers lie beside its program: without this node-gyp downloads them.
    const nodePrefix = dirname(dirname(process.execPath));
    const built = spawnSync(process.execPath, [nodeGyp, 'rebuild', `--nodedir=${nodePrefix}`], {
      cwd: installed,
      env,
      encoding: 'utf8',
    });
    expect(built.status, built.stderr).toBe(0);
    expect(existsSync(join(installed, 'build/Release/selfgrad.node'))).toBe(true);

    const load = `import { loadBinding } from './dist/native/load.js'; console.log(JSON.stringify(loadBinding().info()));`;
    const loaded = spawnSync(process.execPath, ['--input-type=module', '-e', load], {
      cwd: installed,
      env: { ...env, SELFGRAD_ADDON_DIR: '' },
      encoding: 'utf8',
    });
    expect(loaded.stderr).toBe('');
    expect(JSON.parse(loaded.stdout)).toMatchObject({ builtFor: '2.11.0', libtorch: '2.11.0' });
  });
});
