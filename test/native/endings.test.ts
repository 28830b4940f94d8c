/** How a process ends while the core computes, each in a process of its own: no crash, no hang, its exit code. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('endings.mjs', import.meta.url));

interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

function end(way: string): Promise<End> {
  const child = spawn(process.execPath, [script, way], { stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

describe('a process', () => {
  it('trains in two workers at once', async () => {
    expect(await end('workers')).toEqual({ code: 0, signal: null, stdout: 'steps 36 36\n', stderr: '' });
  });

  it('survives the termination of a worker that trains', async () => {
    expect(await end('terminate')).toEqual({
      code: 0,
      signal: null,
      stdout: 'steps 12\nsteps 12\n',
      stderr: '',
    });
  });

  it('exits in mid-run with the code that it was given', async () => {
    expect(await end('exit')).toEqual({ code: 7, signal: null, stdout: '', stderr: '' });
  });

  it('ends without dispose', async () => {
    expect(await end('forget')).toEqual({ code: 0, signal: null, stdout: 'steps 12\n', stderr: '' });
  });

  it('lives until a run has ended that nobody waits for', async () => {
    expect(await end('unawaited')).toEqual({ code: 0, signal: null, stdout: 'steps 24\n', stderr: '' });
  });

  it('exits while the function of a model has not answered', async () => {
    expect(await end('unanswered')).toEqual({ code: 7, signal: null, stdout: '', stderr: '' });
  });

  it('survives the termination of a worker whose function has not answered', async () => {
    expect(await end('deaf')).toEqual({ code: 0, signal: null, stdout: 'steps 12\n', stderr: '' });
  });

  it('dies of an uncaught error in mid-run, and of nothing else', async () => {
    const { code, signal, stderr } = await end('uncaught');
    expect({ code, signal }).toEqual({ code: 1, signal: null });
    expect(stderr).toContain('Error: thrown in mid-run');
  });
});
