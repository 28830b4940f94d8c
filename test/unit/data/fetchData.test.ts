import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { Header } from 'tar';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fetchData, fetchSet, findFetched } from '../../../src/data/fetch/fetchData.ts';
import { type PublishedFile, type PublishedSet, publishedSets } from '../../../src/data/fetch/published.ts';
import { unpackTar } from '../../../src/data/fetch/unpackTar.ts';
import { openData } from '../../../src/data/open.ts';
import { SelfgradError } from '../../../src/errors.ts';
import { type FileServer, type ServerBehaviour, serveFiles } from '../fileServer.ts';
import { damaged } from './arrayFiles.ts';
import { idxPair, temporaryFolders } from './synthetic.ts';

const newFolder = temporaryFolders();
let cache: string;
const servers: FileServer[] = [];
beforeEach(() => {
  cache = newFolder();
  vi.stubEnv('SELFGRAD_CACHE', cache);
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

interface TarEntry {
  path: string;
  content?: Buffer;
  type?: 'File' | 'SymbolicLink' | 'Link' | 'Directory';
  linkpath?: string;
}

/** Encodes a `.tar.gz`. */
function tarGz(entries: TarEntry[]): Buffer {
  const blocks = entries.flatMap(({ path, content = Buffer.alloc(0), type = 'File', linkpath }) => {
    const header = new Header({
      path,
      size: content.length,
      type,
      mode: 0o644,
      ...(linkpath && { linkpath }),
    });
    const block = Buffer.alloc(512);
    header.encode(block);
    return [block, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

const published = (name: string, content: Buffer, entries?: PublishedFile['entries']): PublishedFile => ({
  name,
  bytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
  ...(entries && { entries }),
});

const { images, labels } = idxPair();
const contents = {
  'train-images-idx3-ubyte': images,
  'train-labels-idx1-ubyte': labels,
  't10k-images-idx3-ubyte': images,
  't10k-labels-idx1-ubyte': labels,
};
const small: PublishedSet = {
  name: 'mnist',
  title: 'a small one',
  address: 'https://nowhere.invalid/',
  files: Object.entries(contents).map(([name, content]) => published(name, content)),
  classesOf: 'fashion-mnist',
};
const batch = Buffer.from('the records of a batch');
const archive = tarGz([
  { path: 'set/', type: 'Directory' },
  { path: 'set/readme.html', content: Buffer.from('not needed') },
  { path: '../evil.bin', content: batch },
  { path: 'set/link', type: 'SymbolicLink', linkpath: '../..' },
  { path: 'set/link/evil.bin', content: batch },
  { path: 'set/batch.bin', content: batch },
]);
const packed: PublishedSet = {
  ...small,
  name: 'packed',
  files: [published('set.tar.gz', archive, [{ path: 'set/batch.bin', bytes: batch.length }])],
  classesOf: null,
};

async function serve(files: Record<string, Buffer>, behaviour?: ServerBehaviour): Promise<FileServer> {
  const server = await serveFiles(files, behaviour);
  servers.push(server);
  return server;
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.catch((cause: unknown) => cause);
  if (!(error instanceof SelfgradError)) throw new Error(`not refused: ${error}`);
  return `${error.code} ${error.message.replaceAll(cache, 'CACHE')}`;
}

const inData = () => (existsSync(join(cache, 'data')) ? readdirSync(join(cache, 'data')) : []);

test('fetches into the cache, where the source of the name finds it; a second fetch asks nobody', async () => {
  const server = await serve(contents);
  const seen: number[] = [];
  const onProgress = ({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number }) =>
    seen.push(doneBytes / totalBytes);
  expect(findFetched('mnist')).toBe(null);
  expect(await fetchSet(small, { url: server.url, onProgress })).toEqual({
    name: 'mnist',
    folder: join(cache, 'data', 'mnist'),
    fetched: true,
  });
  expect([seen.at(-1), seen.every((part, i) => part >= (seen[i - 1] ?? 0))]).toEqual([1, true]);
  expect(inData()).toEqual(['mnist']);
  const source = await openData({ source: 'mnist', split: 'test' });
  expect([source.name, source.count, source.classes[9]]).toEqual(['mnist', 20, 'Ankle boot']);
  const { fetched } = await fetchSet(small, { url: server.url, offline: true });
  expect([fetched, server.ranges.length]).toEqual([false, 4]);
});

test('an archive is unpacked: what is listed, and nothing else', async () => {
  const server = await serve({ 'set.tar.gz': archive });
  const out = join(cache, 'here');
  await fetchSet(packed, { url: server.url.slice(0, -1), out });
  expect(readdirSync(out, { recursive: true }).sort()).toEqual([
    'fetched.json',
    'set',
    join('set', 'batch.bin'),
  ]);
  expect(readFileSync(join(out, 'set', 'batch.bin')).equals(batch)).toBe(true);
  expect(readdirSync(cache)).toEqual(['here']);
});

test('a fetch that was cut off goes on where it stopped', async () => {
  const server = await serve({ 'set.tar.gz': archive }, { breakAfter: 50 });
  expect(await refusal(fetchSet(packed, { url: server.url, onProgress: server.cut }))).toMatch(
    /^ERR_ENVIRONMENT The download from 127\.0\.0\.1:\d+ broke off after 50 bytes\. Check the network .+ it continues where it stopped\.$/,
  );
  expect(inData()).toEqual(['packed.download']);
  await fetchSet(packed, { url: server.url });
  expect([server.ranges, inData()]).toEqual([[null, 'bytes=50-'], ['packed']]);
});

test('another content, a longer one, and a missing file are refused and leave no set', async () => {
  const other = Buffer.from(archive);
  other[20]! ^= 1;
  const wrong = await serve({ 'set.tar.gz': other });
  expect(await refusal(fetchSet(packed, { url: wrong.url }))).toMatch(
    /^ERR_ENVIRONMENT Expected SHA-256 [\da-f]{64} for http:\S+set\.tar\.gz but received [\da-f]{64}\. Nothing was kept\./,
  );
  const longer = await serve({ 'set.tar.gz': Buffer.concat([archive, Buffer.alloc(1)]) });
  expect(await refusal(fetchSet(packed, { url: longer.url }))).toMatch(
    /^ERR_ENVIRONMENT Expected at most \d+ bytes for http:\S+ but received more\. Nothing was kept\. Check the address\.$/,
  );
  const none = await serve({});
  expect(await refusal(fetchSet(packed, { url: none.url }))).toMatch(
    /^ERR_ENVIRONMENT 127\.0\.0\.1:\d+ answered 404 for \/set\.tar\.gz\. Check the address\.$/,
  );
  expect(findFetched('packed')).toBe(null);
  expect(inData().flatMap((name) => readdirSync(join(cache, 'data', name)))).toEqual([]);
});

test('follows a redirect, but not out of https', async () => {
  const target = await serve({ 'set.tar.gz': archive });
  const here = await serve({}, { redirect: target.url });
  expect((await fetchSet(packed, { url: here.url })).fetched).toBe(true);
  const away = await serve({}, { redirect: target.url.replace('127.0.0.1', '0.0.0.0') });
  expect(await refusal(fetchSet(packed, { url: away.url, out: join(cache, 'away') }))).toMatch(
    /^ERR_OPTION Expected an https address for packed \(set\.tar\.gz\) but received http:\/\/0\.0\.0\.0/,
  );
});

test('misuse: name, address, --offline, a folder in use', async () => {
  expect(await refusal(Promise.resolve().then(() => fetchData('cifar-10')))).toBe(
    "ERR_OPTION Expected mnist, fashion-mnist, cifar10 or cifar100 for the data set but received 'cifar-10' (string). Did you mean cifar10?",
  );
  expect(await refusal(fetchData('mnist', { url: 'http://example.org/mnist' }))).toBe(
    'ERR_OPTION Expected an https address for mnist (train-images-idx3-ubyte.gz) but received http://example.org/mnist/train-images-idx3-ubyte.gz.',
  );
  expect(await refusal(fetchData('cifar10', { offline: true }))).toBe(
    'ERR_ENVIRONMENT cifar10 is not in CACHE/data/cifar10, and --offline forbids fetching it. Run this once without --offline, or copy the folder from a machine that has it.',
  );
  const out = join(cache, 'mine');
  mkdirSync(out);
  writeFileSync(join(out, 'thesis.txt'), '');
  expect(await refusal(fetchData('mnist', { out }))).toBe(
    'ERR_OPTION Expected a new or empty folder for --out but received CACHE/mine. Name another: what lies there is not touched.',
  );
});

test('the source of a set that was not fetched says how to fetch it', async () => {
  expect(await refusal(openData({ source: 'cifar10' }))).toBe(
    'ERR_OPTION Expected a folder or file for data.path but received null. The source cifar10 reads data_batch_1.bin … data_batch_5.bin, test_batch.bin. Or run: npx selfgrad data fetch cifar10',
  );
});

test('a folder whose file has lost its end is fetched anew', async () => {
  const server = await serve(contents);
  const { folder } = await fetchSet(small, { url: server.url });
  writeFileSync(join(folder, 'train-images-idx3-ubyte'), images.subarray(1));
  expect(findFetched('mnist')).toBe(null);
  expect((await fetchSet(small, { url: server.url })).fetched).toBe(true);
  expect(readFileSync(join(folder, 'train-images-idx3-ubyte')).equals(images)).toBe(true);
});

const wanted = [{ path: 'set/batch.bin', bytes: batch.length }];

async function unpack(bytes: Buffer): Promise<string> {
  const folder = newFolder();
  writeFileSync(join(folder, 'a.tar.gz'), bytes);
  const inner = join(folder, 'inner');
  mkdirSync(inner);
  const said = await unpackTar(join(folder, 'a.tar.gz'), inner, wanted)
    .then(() => 'unpacked')
    .catch((error: unknown) => {
      if (error instanceof SelfgradError) return error.message.replaceAll(folder, 'PATH');
      throw error;
    });
  // Whatever it held, nothing lies outside of the folder.
  expect(readdirSync(folder).sort()).toEqual(['a.tar.gz', 'inner']);
  expect(
    readdirSync(inner, { recursive: true }).filter(
      (name) => !['set', 'set/batch.bin'].includes(String(name)),
    ),
  ).toEqual([]);
  return said;
}

test.each<[string, TarEntry[], string]>([
  ['paths that lead out', [{ path: '../batch.bin', content: batch }], 'no set/batch.bin'],
  ['an absolute path', [{ path: '/set/batch.bin', content: batch }], 'no set/batch.bin'],
  [
    'a link in its place',
    [{ path: 'set/batch.bin', type: 'SymbolicLink', linkpath: '/etc/passwd' }],
    'set/batch.bin as SymbolicLink of 0 bytes instead of 22',
  ],
  [
    'another size',
    [{ path: 'set/batch.bin', content: Buffer.alloc(23) }],
    'set/batch.bin as File of 23 bytes instead of 22',
  ],
  ['too many bytes', [{ path: 'zeros', content: Buffer.alloc(17e6) }], 'more than 16000022 bytes'],
])('an archive with %s is refused', async (_, entries, received) => {
  expect(await unpack(tarGz(entries))).toBe(
    `Expected the published archive in PATH/a.tar.gz but received ${received}. Nothing was kept. Fetch it from a source that you trust.`,
  );
});

test('an archive that is damaged anywhere is refused or harmless', async () => {
  await fc.assert(
    fc.asyncProperty(damaged(archive), async (bytes) => {
      expect(await unpack(bytes)).toMatch(/^unpacked$|^Expected the published archive in/);
    }),
    { numRuns: 100 },
  );
});

test('the published sets: https, sums of 256 bits, and names that a folder can hold', () => {
  for (const { address, files, name } of publishedSets) {
    expect(address).toMatch(/^https:.+\/$/);
    for (const { sha256, bytes } of files)
      expect([/^[\da-f]{64}$/.test(sha256), bytes > 4000]).toEqual([true, true]);
    expect(name).toMatch(/^[a-z\d-]+$/);
  }
});
