/** Signals to a training run from the command line: what is saved, how it ends, and that it goes on. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { selfgrad, small, temporaryFolder } from './selfgrad.ts';

describe('a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 75],
  ] as const)(
    '%s in mid-epoch saves a checkpoint, exits %d, and the run can go on',
    async (signal, exitCode) => {
      const out = join(temporaryFolder(), 'run');
      let sent = false;
      const interrupted = await selfgrad(
        [
          'train',
          '--out',
          out,
          '--json',
          '--progress',
          'json',
          ...small,
          'train.epochs=2',
          'data.trainCount=4000',
          'train.validate.every=0',
        ],
        {
          onStderr(child, stderr) {
            if (!sent && stderr.includes('"type":"step"')) sent = child.kill(signal);
          },
        },
      );
      expect({ status: interrupted.status, stdout: interrupted.stdout }).toEqual({
        status: exitCode,
        stdout: '',
      });
      expect(interrupted.stderr).toContain(
        `Interrupted by ${signal}. To go on: selfgrad train --resume ${out}\n`,
      );
      expect(existsSync(join(out, 'model.safetensors'))).toBe(false);

      const resumed = await selfgrad(['train', '--resume', out, '--json', '--progress', 'json']);
      expect(resumed.status, resumed.stderr).toBe(0);
      expect(JSON.parse(resumed.stdout)).toMatchObject({ steps: 500 });
      const start = JSON.parse(resumed.stderr.split('\n').find((line) => line.includes('"type":"start"'))!);
      expect(start.resumedAtStep).toBeGreaterThan(0);
      expect(start.resumedAtStep).toBeLessThan(250);
      expect(existsSync(join(out, 'model.safetensors'))).toBe(true);
    },
  );

  it('a second one ends it at once, without a word, and the run can go on', async () => {
    const out = join(temporaryFolder(), 'run');
    // A step takes long enough for both signals to arrive within it.
    const args = [...small, 'train.epochs=4', 'data.trainCount=4000', 'train.batchSize=2000'];
    let sent = false;
    const ended = await selfgrad(
      ['train', '--out', out, '--progress', 'json', 'train.validate.every=0', ...args],
      {
        onStderr(child, stderr) {
          if (!sent && stderr.includes('"type":"step"')) sent = child.kill('SIGINT') && child.kill('SIGTERM');
        },
      },
    );
    // Of two that are pending at once the system may run either one's handler first.
    expect([75, 130]).toContain(ended.status);
    expect(ended.stdout).toBe('');
    expect(ended.stderr).not.toContain('Interrupted');
    expect(existsSync(join(out, 'model.safetensors'))).toBe(false);

    const resumed = await selfgrad(['train', '--resume', out, '--json', '--quiet']);
    expect(resumed.status, resumed.stderr).toBe(0);
    expect(JSON.parse(resumed.stdout)).toMatchObject({ steps: 16 });
  });
});
