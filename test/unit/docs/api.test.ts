/** The API reference is written without a warning. Needs `npm ci --prefix docs/api`, else it is skipped: 46 MB. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './markdown.ts';

const folder = join(root, 'docs/api');
const typedoc = join(folder, 'node_modules/typedoc/bin/typedoc');

test.skipIf(!existsSync(typedoc))('typedoc has nothing to say', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [typedoc, '--emit', 'none'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(status, stdout + stderr).toBe(0);
});
