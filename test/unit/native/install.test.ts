import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manifestProblem } from '../../../src/native/libtorch/cache.ts';
import { type InstallOptions, installLibtorch } from '../../../src/native/libtorch/install.ts';
import { resolveLibtorch } from '../../../src/native/libtorch/resolve.ts';
import { type FileServer, type ServerBehaviour, serveArchive } from '../fileServer.ts';
import { archiveEntries, makeInstalled } from './fakeTree.ts';
import { makeZip, type ZipEntry } from './zip.ts';

let folder: string;
let server: FileServer | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'selfgrad-install-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const cache = () => join(folder, 'cache');
const target = () => join(cache(), 'libtorch-2.11.0-linux-x64');

/** A machine with an empty cache, no Python and no LibTorch. */
const environment = () => ({
  env: { SELFGRAD_CACHE: cache(), PATH: join(folder, 'bin') },
  platform: 'linux' as const,
  arch: 'x64',
  version: '2.11.0',
  packageRoot: folder,
  systemRoots: [],
});

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');

async function serve(entries: ZipEntry[] = archiveEntries('2.11.0'), behaviour?: ServerBehaviour) {
  const data = makeZip(entries);
  server = await serveArchive(data, behaviour);
  return { data, options: { url: server.url, sha256: sha256(data), environment: environment() } };
}

/** What lies in the cache, downloads that may be continued aside. */
const leftInCache = () =>
  existsSync(cache()) ? readdirSync(cache()).filter((name) => name !== 'downloads') : [];

describe('installLibtorch from an archive', () => {
  it('installs what the resolver then finds, with sizes and checksums', async () => {
    const { options } = await serve();
    const phases = new Set<string>();
    const tree = await installLibtorch({ ...options, onProgress: ({ phase }) => phases.add(phase) });
    expect(tree.root).toBe(target());
    expect(resolveLibtorch(environment())).toMatchObject({ source: 'cache', version: '2.11.0' });
    expect([...phases]).toEqual(['download', 'unpack']);
    const manifest = JSON.parse(readFileSync(join(target(), 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({ libtorch: '2.11.0', source: options.url });
    expect(manifest.libraries[1]).toEqual({
      path: 'lib/libc10.so',
      bytes: 3,
      sha256: sha256(Buffer.from('c10')),
    });
    expect(leftInCache()).toEqual(['libtorch-2.11.0-linux-x64']);
    expect(readdirSync(join(cache(), 'downloads'))).toEqual([]);
  });

  it('asks for nothing when a whole one is there, unless forced', async () => {
    const { options } = await serve();
    makeInstalled(target(), '2.11.0');
    await installLibtorch(options);
    expect(server?.ranges).toEqual([]);
    await installLibtorch({ ...options, force: true });
    expect(server?.ranges).toEqual([null]);
    expect(readFileSync(join(target(), 'lib/libc10.so'), 'utf8')).toBe('c10');
    expect(leftInCache()).toEqual(['libtorch-2.11.0-linux-x64']);
  });

  it('replaces a damaged one and what a killed installation left', async () => {
    const { options } = await serve();
    makeInstalled(target(), '2.11.0');
    writeFileSync(join(target(), 'lib/libc10.so'), 'broken');
    // No process has this number: it is above the largest that Linux gives.
    mkdirSync(join(`${target()}.tmp-99999999`, 'lib'), { recursive: true });
    await installLibtorch(options);
    expect(manifestProblem(target())).toBeNull();
    expect(leftInCache()).toEqual(['libtorch-2.11.0-linux-x64']);
  });

  it('continues a download that broke off', async () => {
    const { data, options } = await serve(archiveEntries('2.11.0'), { breakAfter: 100 });
    const onProgress = () => server?.cut();
    await expect(installLibtorch({ ...options, onProgress })).rejects.toThrow(
      /^The download from 127\.0\.0\.1:\d+ broke off after 100 bytes\. Check the network and the address, then run this again: it continues where it stopped\.$/,
    );
    expect(leftInCache()).toEqual([]);
    const [part = ''] = readdirSync(join(cache(), 'downloads'));
    // As if another process had been killed in the middle.
    writeFileSync(join(cache(), 'downloads', part.replace(/\d+$/, '99999999')), data.subarray(0, 60));
    rmSync(join(cache(), 'downloads', part));
    await installLibtorch(options);
    expect(server?.ranges).toEqual([null, 'bytes=60-']);
    expect(manifestProblem(target())).toBeNull();
  });

  it('begins anew at a server that cannot continue', async () => {
    const { data, options } = await serve(archiveEntries('2.11.0'), { withoutRange: true });
    mkdirSync(join(cache(), 'downloads'), { recursive: true });
    writeFileSync(
      join(cache(), 'downloads', `${options.sha256}.zip.part-${process.pid}`),
      data.subarray(0, 60),
    );
    await installLibtorch(options);
    expect(manifestProblem(target())).toBeNull();
  });

  it('keeps nothing after a wrong checksum', async () => {
    const { options } = await serve();
    const wrong = '0'.repeat(64);
    await expect(installLibtorch({ ...options, sha256: wrong })).rejects.toMatchObject({
      exitCode: 4,
      message:
        `Expected SHA-256 ${wrong} for ${options.url} but received ${options.sha256}. ` +
        'Nothing was kept. Check address and checksum, then run this again.',
    });
    expect(leftInCache()).toEqual([]);
    expect(readdirSync(join(cache(), 'downloads'))).toEqual([]);
  });

  it('says what a server answered', async () => {
    const { options } = await serve([], { status: 404 });
    await expect(installLibtorch(options)).rejects.toThrow(
      /^127\.0\.0\.1:\d+ answered 404 for \/libtorch\.zip\. Check the address\.$/,
    );
  });

  it('says that a server cannot be reached', async () => {
    const { options } = await serve();
    await server?.close();
    server = undefined;
    await expect(installLibtorch(options)).rejects.toMatchObject({
      code: 'ERR_ENVIRONMENT',
      message: expect.stringMatching(/^127\.0\.0\.1:\d+ cannot be reached\. Check the network/),
    });
  });

  it.each([
    ['a name that leads out', [{ name: '../evil', data: 'x' }]],
    ['a symbolic link', [{ name: 'libtorch/lib/libc10.so', data: '/etc', mode: 0o120777 }]],
    ['another version of LibTorch', archiveEntries('2.15.0')],
    ['no library', [{ name: 'readme.txt', data: 'x' }]],
  ])('leaves nothing in the cache of an archive with %s', async (_what, entries) => {
    const { options } = await serve(entries);
    await expect(installLibtorch(options)).rejects.toMatchObject({ code: 'ERR_LIBTORCH', exitCode: 4 });
    expect(leftInCache()).toEqual([]);
  });

  it('ends with one whole LibTorch when two install at once', async () => {
    const { options } = await serve();
    const finishedFirst: InstallOptions = {
      ...options,
      // The other installation finishes while this one is unpacking.
      onProgress: ({ phase }) => {
        if (phase === 'unpack' && !existsSync(target())) makeInstalled(target(), '2.11.0');
      },
    };
    await installLibtorch(finishedFirst);
    expect(manifestProblem(target())).toBeNull();
    expect(readFileSync(join(target(), 'lib/libc10.so'), 'utf8')).toBe('libc10.so');
    expect(leftInCache()).toEqual(['libtorch-2.11.0-linux-x64']);
  });
});

describe('installLibtorch on a machine that lacks something', () => {
  const install = (options: InstallOptions) => installLibtorch({ environment: environment(), ...options });

  it('says what to do when there is no pip', async () => {
    await expect(install({})).rejects.toMatchObject({
      code: 'ERR_ENVIRONMENT',
      exitCode: 4,
      message:
        'LibTorch is fetched with pip, and no Python with pip was found. ' +
        'Install Python 3 with pip (Debian: apt-get install python3-pip), ' +
        'or give the SHA-256 of https://download.pytorch.org/libtorch/cpu/libtorch-shared-with-deps-2.11.0%2Bcpu.zip ' +
        'with --sha256, as no checksum of it is known here, or point LIBTORCH at LibTorch 2.11.0.',
    });
    expect(existsSync(cache())).toBe(false);
  });

  it.each([
    [
      'ERROR: No matching distribution found for torch==2.11.0',
      'No matching distribution found for torch==2.11.0',
    ],
    ['ERROR: THESE PACKAGES DO NOT MATCH THE HASHES.', 'THESE PACKAGES DO NOT MATCH THE HASHES'],
    [
      'WARNING: Retrying after connection broken by NewConnectionError\nERROR: No matching distribution found',
      'its index cannot be reached',
    ],
    ['', 'it gave no reason'],
  ])('says why pip failed: %j', async (stderr, reason) => {
    const python = join(folder, 'bin/python3');
    mkdirSync(join(folder, 'bin'));
    writeFileSync(python, `#!/bin/sh\n[ "$3" = --version ] && exit 0\necho '${stderr}' >&2\nexit 1\n`);
    chmodSync(python, 0o755);
    await expect(install({})).rejects.toMatchObject({
      exitCode: 4,
      message:
        `pip could not download LibTorch: ${reason}. ` +
        "Check the network and pip's index and proxy settings, then run this again.",
    });
    expect(leftInCache()).toEqual([]);
  });

  it('names a platform without wheels', async () => {
    await expect(install({ environment: { ...environment(), arch: 'riscv64' } })).rejects.toThrow(
      'There are no pinned LibTorch wheels for linux-riscv64. Point LIBTORCH at LibTorch 2.11.0.',
    );
  });

  it('checks the disk before it fetches anything', async () => {
    const { options } = await serve();
    await expect(installLibtorch({ ...options, freeBytes: () => 5_000_000 })).rejects.toThrow(
      `LibTorch needs 1200 MB of free disk space in ${cache()} while it is installed, but only 5 MB are free. ` +
        'Free some space there, or set SELFGRAD_CACHE to another folder.',
    );
    expect(server?.ranges).toEqual([]);
    expect(existsSync(cache())).toBe(false);
  });

  it('says when the cache cannot be written', async () => {
    const { options } = await serve();
    writeFileSync(cache(), 'a file where the folder should be');
    await expect(installLibtorch({ ...options, freeBytes: () => 1e12 })).rejects.toMatchObject({
      code: 'ERR_ENVIRONMENT',
      message:
        `LibTorch cannot be written to ${cache()}: a part of the path is not a folder. ` +
        'Free some space there, or set SELFGRAD_CACHE to another folder.',
    });
  });

  it('does not use the network when offline', async () => {
    await expect(install({ offline: true })).rejects.toThrow(
      `LibTorch 2.11.0 is not in the cache (${target()}). Run this once without --offline, or point LIBTORCH at one.`,
    );
  });

  it.each([
    [
      { url: 'https://localhost/x.zip' },
      'Expected a checksum for https://localhost/x.zip but received none.',
    ],
    [
      { url: 'https://localhost/x.zip', sha256: 'abc' },
      'Expected 64 hexadecimal digits for sha256 but received abc (string).',
    ],
    [
      { url: 'http://example.org/x.zip', sha256: '0'.repeat(64) },
      "Expected an https address for LibTorch's archive but received http://example.org/x.zip.",
    ],
  ])('refuses %j', async (options, sentence) => {
    await expect(install(options)).rejects.toMatchObject({
      code: 'ERR_OPTION',
      exitCode: 2,
      message: expect.stringContaining(sentence),
    });
  });
});
