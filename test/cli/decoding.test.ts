/** What decodes images: as many threads as cores. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from './selfgrad.ts';

const entry = fileURLToPath(new URL('../../dist/cli/selfgrad.cjs', import.meta.url));

it('the command has a decoding thread for each core, unless it is told how many', () => {
  const report = join(temporaryFolder(), 'report.cjs');
  const threads = "require('node:fs').readdirSync('/proc/self/task').length";
  writeFileSync(report, `process.on('exit', () => console.error(${threads}));`);
  const threadsWith = (env: Record<string, string>) => {
    const { UV_THREADPOOL_SIZE: _, ...rest } = process.env;
    const outcome = spawnSync(process.execPath, ['-r', report, entry, '--version'], {
      env: { ...rest, ...env },
      encoding: 'utf8',
    });
    expect(outcome.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    return Number(outcome.stderr);
  };
  const one = threadsWith({ UV_THREADPOOL_SIZE: '1' });
  expect(threadsWith({ UV_THREADPOOL_SIZE: '7' }) - one).toBe(6);
  expect(threadsWith({}) - one).toBe(Math.max(4, availableParallelism()) - 1);
});
