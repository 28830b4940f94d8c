/** What a download shows on stderr, as `--progress` and `--quiet` ask for it. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { withDownloadProgress } from '../../src/cli/downloadProgress.ts';
import type { ProgressFlags } from '../../src/cli/progress/progress.ts';
import type { InstallProgress } from '../../src/download/progress.ts';
import { selfgrad } from './selfgrad.ts';

const at = (megabytes: number, phase: InstallProgress['phase'] = 'download'): InstallProgress => ({
  phase,
  doneBytes: megabytes * 1e6,
  totalBytes: 40e6,
});

afterEach(() => {
  vi.restoreAllMocks();
});

async function shown(flags: ProgressFlags): Promise<string> {
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((more) => {
    text += more;
    return true;
  });
  const done = await withDownloadProgress('cifar10', flags, async (onProgress) => {
    for (const progress of [at(1), at(1), at(2), at(20), at(40), at(40, 'unpack')]) onProgress(progress);
    return 'done';
  });
  expect(done).toBe('done');
  return text;
}

describe('the progress of a download', () => {
  it.each<[string, ProgressFlags]>([
    ['--quiet', { quiet: true }],
    ['--progress none', { progress: 'none' }],
    ['--quiet --progress bar', { quiet: true, progress: 'bar' }],
  ])('is not shown with %s', async (_, flags) => {
    expect(await shown(flags)).toBe('');
  });

  it('is a line for each tenth', async () => {
    expect(await shown({ progress: 'line' })).toBe(
      [
        'downloading cifar10: 1 of 40 MB',
        'downloading cifar10: 20 of 40 MB',
        'downloading cifar10: 40 of 40 MB',
        'unpacking cifar10: 40 of 40 MB',
        '',
      ].join('\n'),
    );
  });

  it('is a line that is redrawn, and erased at the end', async () => {
    const clear = '\r\x1b[K';
    const lines = (await shown({ progress: 'bar' })).split(clear);
    expect(lines).toEqual([
      '',
      'downloading cifar10: 1 of 40 MB',
      'downloading cifar10: 2 of 40 MB',
      'downloading cifar10: 20 of 40 MB',
      'downloading cifar10: 40 of 40 MB',
      'unpacking cifar10: 40 of 40 MB',
      '',
    ]);
  });

  it('is a document on each line', async () => {
    const lines = (await shown({ progress: 'json' })).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line)).at(-1)).toEqual({
      type: 'unpack',
      what: 'cifar10',
      doneBytes: 40e6,
      totalBytes: 40e6,
    });
    expect(lines).toHaveLength(4);
  });

  it.each([[['data', 'fetch', 'mnist']], [['libtorch', 'install']]])(
    'has the choices of other commands: %j',
    async (words) => {
      const { status, stderr } = await selfgrad([...words, '--progress', 'loud']);
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr:
          "ERR_OPTION  Option '--progress <how>' argument 'loud' is invalid. Allowed choices are none, bar, line, json.\n",
      });
    },
  );
});
