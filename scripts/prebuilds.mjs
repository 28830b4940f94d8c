/** Copies the built addon to prebuilds/<platform>-<arch>/, where node-gyp-build looks in an installed package. */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildNative, buildTypeScript } from './build.mjs';
import { root } from './command.mjs';
import { runMain, step } from './console.mjs';

await runMain(async () => {
  await step('typescript', buildTypeScript);
  await step('addon', buildNative);
  await step('prebuilds', () => {
    const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, 'core'), { recursive: true });
    for (const file of ['selfgrad.node', 'core/core.node']) {
      cpSync(join(root, 'build/Release', file), join(folder, file));
    }
    return folder;
  });
});
