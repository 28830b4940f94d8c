/** A set that is larger than the memory that the process may have is trained on and evaluated, with the same figures. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('bounded.mjs', import.meta.url));

/** 354 MB of pixels: each of them, and the memory of the gradients, is more than the limit leaves. */
const images = 1800;
const slackKib = 300 * 1024;

/** Runs the script with a limit on writable memory: what is anonymous, not what is mapped from files to be read. */
function bounded(
  storage: string,
  limitKib: number | 'unlimited',
): Promise<{ stdout: string; status: number | null }> {
  const child = spawn(
    'sh',
    ['-c', `ulimit -d ${limitKib} && exec "$@"`, 'sh', process.execPath, script, storage, String(images)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  return new Promise((resolve, reject) => {
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.on('error', reject).on('close', (status) => resolve({ stdout, status }));
  });
}

it('a mapped set bounds memory, one in memory does not fit, and both give the same figures', async () => {
  const probe = await bounded('probe', 'unlimited');
  const limit = Number(probe.stdout) + slackKib;
  expect(limit).toBeGreaterThan(slackKib);
  const refused = await bounded('memory', limit);
  expect(refused).toEqual({
    status: 1,
    stdout:
      'ERR_NATIVE  Expected memory for 1800 images (353894400 bytes) but there is none. Map them from a file: data.storage=mapped.\n',
  });
  const mapped = await bounded('mapped', limit);
  expect(mapped.status, mapped.stdout).toBe(0);
  const free = await bounded('memory', 'unlimited');
  const figures = (stdout: string) => ({ ...JSON.parse(stdout), storage: null });
  expect(figures(mapped.stdout)).toEqual(figures(free.stdout));
  expect([JSON.parse(mapped.stdout).storage, JSON.parse(free.stdout).storage]).toEqual(['mapped', 'memory']);
});
