import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { targetOf } from '../../../src/native/libtorch/pins.ts';
import { unpack } from '../../../src/native/libtorch/unpack.ts';
import { archiveEntries } from './fakeTree.ts';
import { makeZip, type ZipEntry } from './zip.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'selfgrad-unpack-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function unpackEntries(entries: ZipEntry[], limitBytes?: number) {
  const archive = join(base, 'archive.zip');
  writeFileSync(archive, makeZip(entries));
  const limit = limitBytes === undefined ? {} : { limitBytes };
  return unpack({ archive, folder: join(base, 'out'), platform: 'linux', onBytes: () => {}, ...limit });
}

const failure = (reason: string) =>
  `The archive ${join(base, 'archive.zip')} cannot be used: ${reason}. ` +
  'Nothing was installed. Fetch LibTorch from a source that you trust.';

describe('unpack', () => {
  it('writes the libraries and headers that are needed, and nothing else', async () => {
    const libraries = await unpackEntries(archiveEntries('2.11.0'));
    expect(libraries.map(({ path }) => path)).toEqual([
      'lib/libtorch_cpu.so',
      'lib/libc10.so',
      'lib/libgomp-24e2ab19.so.1',
    ]);
    expect(libraries[0]).toEqual({
      path: 'lib/libtorch_cpu.so',
      bytes: 5,
      sha256: '37bf51bfba4699a940ce31349422b24a5bc55a2b179ed7aec74459a9ae8d57b7',
    });
    expect(readdirSync(join(base, 'out'))).toEqual(['include', 'lib']);
    expect(readFileSync(join(base, 'out/lib/libc10.so'), 'utf8')).toBe('c10');
  });

  it.each([
    ['../lib/libc10.so', 'invalid relative path: ../lib/libc10.so'],
    ['torch/lib/../../../libc10.so', 'invalid relative path: torch/lib/../../../libc10.so'],
    ['/torch/lib/libc10.so', 'absolute path: /torch/lib/libc10.so'],
    ['torch\\lib\\libc10.so', 'invalid characters in fileName: torch\\lib\\libc10.so'],
  ])('refuses the name %s', async (name, reason) => {
    await expect(unpackEntries([{ name, data: 'evil' }])).rejects.toThrow(failure(reason));
    expect(existsSync(join(base, 'out'))).toBe(false);
  });

  it('refuses a symbolic link', async () => {
    const link = { name: 'torch/lib/libc10.so', data: '/etc/passwd', mode: 0o120777 };
    await expect(unpackEntries([link])).rejects.toThrow(
      failure('it holds the symbolic link torch/lib/libc10.so'),
    );
  });

  it('refuses an archive that unpacks to more than its bound', async () => {
    const entries = [{ name: 'torch/lib/libc10.so', data: 'x'.repeat(100) }];
    await expect(unpackEntries(entries, 99)).rejects.toThrow(failure('it unpacks to more than 99 bytes'));
  });

  it('refuses a truncated archive', async () => {
    const archive = join(base, 'archive.zip');
    const whole = makeZip(archiveEntries('2.11.0'));
    writeFileSync(archive, whole.subarray(0, whole.length / 2));
    const request = { archive, folder: join(base, 'out'), platform: 'linux', onBytes: () => {} } as const;
    await expect(unpack(request)).rejects.toMatchObject({ code: 'ERR_LIBTORCH', exitCode: 4 });
  });

  it('refuses two entries for one file', async () => {
    const entry = { name: 'torch/lib/libc10.so', data: 'c10' };
    await expect(unpackEntries([entry, entry])).rejects.toMatchObject({ code: 'EEXIST' });
  });
});

describe('targetOf', () => {
  it.each([
    ['torch/lib/libtorch_cpu.so', 'lib/libtorch_cpu.so'],
    ['nvidia/cu13/lib/libcudart.so.13', 'lib/libcudart.so.13'],
    ['nvidia/cu13/lib/libnvperf_host.so', null],
    ['torch/lib/libtorch_cuda.so', null],
    ['torch/include/ATen/ops/add.h', 'include/ATen/ops/add.h'],
    ['torch/include/ATen/', null],
    ['torch/__init__.py', null],
    ['torch-2.11.0.dist-info/licenses/LICENSE', 'licenses/torch/LICENSE'],
    ['nvidia_cuda_cupti-13.0.85.dist-info/licenses/License.txt', 'licenses/nvidia_cuda_cupti/License.txt'],
    ['torch-2.11.0.dist-info/licenses/..', null],
    ['torch-2.11.0.dist-info/RECORD', null],
  ])('maps %s to %s on Linux', (entry, target) => {
    expect(targetOf(entry, 'linux')).toBe(target);
  });

  it('never leads out of the folder, whatever the name', () => {
    const part = fc.constantFrom(
      '..',
      '.',
      '',
      'torch',
      'lib',
      'include',
      'torch-2.11.0.dist-info',
      'licenses',
      'nvidia',
      'libc10.so',
      'a.h',
      'x\\y',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const target = targetOf(parts.join('/'), 'linux');
        if (target === null) return;
        expect(target).toMatch(/^(?:lib|include|licenses)\/[^/]/);
        expect(target.split('/')).not.toContain('..');
      }),
      { numRuns: 2000 },
    );
  });
});
