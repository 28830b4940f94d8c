import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { beforeEach, expect, test, vi } from 'vitest';
import { findDecoded, withDecodedCache } from '../../../src/data/decodedCache.ts';
import { imagesFolder } from '../../../src/data/imagesWriter.ts';
import { openData } from '../../../src/data/open.ts';
import type { Source } from '../../../src/data/source.ts';
import { damaged } from './arrayFiles.ts';
import { memorySource, readAll, temporaryFolders } from './synthetic.ts';

const newFolder = temporaryFolders();
let cache: string;
beforeEach(() => {
  cache = newFolder();
  vi.stubEnv('SELFGRAD_CACHE', cache);
});

/** Two batches of images of two pixels; counts how often it is read. */
function decoding(key = 'a1', facts: Partial<Source> = {}): Source & { reads: number } {
  const images = memorySource({ note: 'pixels', ...facts }, [
    { images: [1, 2, 3, 4], labels: [2, 0] },
    { images: [5, 6], labels: [1] },
  ]);
  const source = {
    ...images,
    reads: 0,
    contentKey: async () => key,
    async *[Symbol.asyncIterator]() {
      source.reads++;
      yield* images;
    },
  };
  return source;
}

const content = { images: [1, 2, 3, 4, 5, 6], labels: [2, 0, 1], indices: [0, 1, 2] };
const kept = () => (existsSync(imagesFolder()) ? readdirSync(imagesFolder()).sort() : []);

test('images are decoded once: then they come from the cache, the same in every respect', async () => {
  const source = decoding();
  const cached = withDecodedCache(source);
  expect(await findDecoded(source)).toBe(null);
  for (let round = 0; round < 3; round++) expect(await readAll(cached)).toEqual(content);
  expect([source.reads, cached.note, cached.count, kept()]).toEqual([1, 'pixels', 3, ['a1.decoded']]);
  expect(await findDecoded(source)).toBe(join(imagesFolder(), 'a1.decoded'));
  const other = decoding('a2');
  expect([await findDecoded(other), await readAll(withDecodedCache(other)), other.reads]).toEqual([
    null,
    content,
    1,
  ]);
});

test('a reader that stops early leaves nothing; one that stops after the last batch leaves the file', async () => {
  const cached = withDecodedCache(decoding());
  for await (const _ of cached) break;
  expect(kept()).toEqual([]);
  let seen = 0;
  for await (const { labels } of cached) {
    seen += labels.length;
    if (seen === cached.count) break;
  }
  expect(kept()).toEqual(['a1.decoded']);
});

test('a source that fails, or has fewer or more images than it says, leaves nothing', async () => {
  const source = decoding();
  const failing: Source = {
    ...source,
    async *[Symbol.asyncIterator]() {
      for await (const batch of source) {
        yield batch;
        throw new Error('broken');
      }
    },
  };
  await expect(readAll(withDecodedCache(failing))).rejects.toThrow('broken');
  for (const count of [1, 4]) await readAll(withDecodedCache(decoding('a1', { count }))).catch(() => {});
  expect(kept()).toEqual([]);
});

test('a source without a key, such as arrays, is left alone', () => {
  const plain = memorySource({}, []);
  expect(withDecodedCache(plain)).toBe(plain);
});

test('sets that were used longest ago make room; one that is too large is not kept', async () => {
  const size = () => readFileSync(join(imagesFolder(), 'a.decoded')).length;
  await readAll(withDecodedCache(decoding('a')));
  const most = 2 * size() + 1;
  await readAll(withDecodedCache(decoding('b'), most));
  utimesSync(join(imagesFolder(), 'a.decoded'), 1, 1);
  utimesSync(join(imagesFolder(), 'b.decoded'), 2, 2);
  // Read again: now b is the one that was used longest ago.
  await readAll(withDecodedCache(decoding('a'), most));
  await readAll(withDecodedCache(decoding('c'), most));
  expect(kept()).toEqual(['a.decoded', 'c.decoded']);
  expect(await readAll(withDecodedCache(decoding('d'), 100))).toEqual(content);
  expect(kept()).toEqual(['a.decoded', 'c.decoded']);
});

test('a cache that cannot be written costs nothing but time', async () => {
  const file = join(cache, 'file');
  writeFileSync(file, '');
  vi.stubEnv('SELFGRAD_CACHE', file);
  expect(await readAll(withDecodedCache(decoding()))).toEqual(content);
});

test('what a killed process has begun is removed', async () => {
  mkdirSync(imagesFolder(), { recursive: true });
  writeFileSync(join(imagesFolder(), 'writing-99999999-0'), 'half');
  await readAll(withDecodedCache(decoding()));
  expect(kept()).toEqual(['a1.decoded']);
});

const warnings = () => {
  const told: string[] = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((text) => void told.push(String(text)));
  return told;
};

test('a damaged file is decoded anew with a note: other images never come out', async () => {
  const told = warnings();
  await readAll(withDecodedCache(decoding()));
  const path = join(imagesFolder(), 'a1.decoded');
  const whole = readFileSync(path);
  await fc.assert(
    fc.asyncProperty(damaged(whole), async (bytes) => {
      told.length = 0;
      writeFileSync(path, bytes);
      const source = decoding();
      expect(await readAll(withDecodedCache(source))).toEqual(content);
      const same = bytes.equals(whole);
      expect([source.reads, told.length]).toEqual(same ? [0, 0] : [1, 1]);
      expect(readFileSync(path).equals(whole)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test('the note says why: another version, another length, other bytes, another set', async () => {
  const told = warnings();
  await readAll(withDecodedCache(decoding()));
  const path = join(imagesFolder(), 'a1.decoded');
  const whole = readFileSync(path);
  const flipped = Buffer.from(whole);
  flipped[4097]! ^= 1;
  const old = Buffer.from(
    whole.toString('latin1').replace('selfgrad.images/1', 'selfgrad.images/0'),
    'latin1',
  );
  const decodedBefore = Buffer.concat([Buffer.from('{"format":"selfgrad.decoded/1"}\n'), Buffer.alloc(4100)]);
  const other = Buffer.from(whole.toString('latin1').replace('"key":"a1"', '"key":"b1"'), 'latin1');
  for (const bytes of [
    flipped,
    old,
    decodedBefore,
    whole.subarray(1),
    other,
    Buffer.alloc(5000),
    Buffer.alloc(3),
  ]) {
    writeFileSync(path, bytes);
    await readAll(withDecodedCache(decoding()));
  }
  const begin = `The decoded images in ${path} cannot be used (`;
  expect(told.every((text) => text.startsWith(begin) && text.endsWith('): they are decoded anew.'))).toBe(
    true,
  );
  expect(told.map((text) => text.slice(begin.length, -'): they are decoded anew.'.length))).toEqual([
    'its bytes are not those that were written',
    'another version of selfgrad wrote it',
    'another version of selfgrad wrote it',
    'it is no file of images',
    'its bytes are not those that were written',
    'it is no file of images',
    'it is no file of images',
  ]);
});

test('a folder or a pipe in its place is not opened', async () => {
  const told = warnings();
  const path = join(imagesFolder(), 'a1.decoded');
  mkdirSync(path, { recursive: true });
  expect(await readAll(withDecodedCache(decoding()))).toEqual(content);
  rmdirSync(path);
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  expect(await readAll(withDecodedCache(decoding()))).toEqual(content);
  expect([told.length, lstatSync(path).isFile()]).toEqual([2, true]);
});

test('a file that claims more than it holds is refused before it is allocated', async () => {
  const told = warnings();
  const many = decoding('a1', { count: 2 ** 31 - 1 });
  mkdirSync(imagesFolder(), { recursive: true });
  const line = { format: 'selfgrad.images/1', key: 'a1', count: 2 ** 31 - 1 };
  writeFileSync(join(imagesFolder(), 'a1.decoded'), `${JSON.stringify(line).padEnd(5000)}\n`);
  expect(await findDecoded(many)).toBe(null);
  expect(told.length).toBe(1);
});

async function photos(levels: number[]): Promise<string> {
  const path = newFolder();
  for (const [i, level] of levels.entries()) {
    const folder = join(path, i % 2 === 0 ? 'cat' : 'dog');
    mkdirSync(folder, { recursive: true });
    await sharp({ create: { width: 4, height: 3, channels: 3, background: { r: level, g: 9, b: 9 } } })
      .jpeg()
      .toFile(join(folder, `${i}.jpg`));
  }
  return path;
}

test('the key depends on bytes and options, not on names of folders and times', async () => {
  const key = async (path: string, options = {}) =>
    (await openData({ source: 'image-folder', path, ...options })).contentKey?.();
  const path = await photos([10, 20, 30, 40]);
  const first = await key(path);
  utimesSync(join(path, 'cat', '0.jpg'), 1, 1);
  expect([await key(path), await key(await photos([10, 20, 30, 40]))]).toEqual([first, first]);
  const others = [
    key(path, { size: [2, 2] }),
    key(path, { channels: 1 }),
    key(await photos([10, 20, 30, 41])),
  ];
  expect(new Set([first, ...(await Promise.all(others))]).size).toBe(4);
});

test('openData keeps what it decodes only when asked to; the parts of a set share the file', async () => {
  const path = await photos([10, 20, 30, 40]);
  const request = { source: 'image-folder', path };
  const fresh = await readAll(await openData(request));
  expect(kept()).toEqual([]);
  const rest = await readAll(await openData({ ...request, cache: true, validation: 2 }));
  expect(kept().length).toBe(1);
  const held = await readAll(await openData({ ...request, cache: true, validation: 2, heldOut: true }));
  expect([...rest.images, ...held.images].sort()).toEqual(fresh.images.sort());
  expect(kept().length).toBe(1);
});
