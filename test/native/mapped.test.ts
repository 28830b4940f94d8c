/** Sets that are mapped from a file: the same bytes come out, memory stays bounded, and what goes wrong is said. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  atta,
  Dataset,
  evaluate,
  openArrays,
  openData,
  type Source,
  type Strategy,
  selfGradient,
  type TrainOptions,
  train,
} from '../../src/index.ts';
import { loadBinding } from '../../src/native/load.ts';
import {
  nextEvent,
  rejection,
  temporaryFolder,
  tinyClasses,
  tinyConfig,
  tinyImages,
  tinyShape,
} from './tiny.ts';

// Before the cache, where LibTorch may be, is another.
loadBinding();
const folder = temporaryFolder();
let cache: string;
let caches = 0;
beforeEach(() => {
  cache = join(folder, `cache-${caches++}`);
  vi.stubEnv('SELFGRAD_CACHE', cache);
});
const files = () => (existsSync(join(cache, 'decoded')) ? readdirSync(join(cache, 'decoded')) : []);

function tinySource(count = 96): Promise<Source> {
  return openArrays({ ...tinyImages(count), shape: tinyShape, classes: tinyClasses, name: 'tiny' });
}

/** Two classes of grey PNGs of 8×8. */
async function pictures(count: number): Promise<string> {
  const path = join(folder, `pictures-${caches}`);
  const { images, labels } = tinyImages(count);
  for (const [i, label] of labels.entries()) {
    const place = join(path, `class${label}`);
    mkdirSync(place, { recursive: true });
    const pixels = images.subarray(i * 64, (i + 1) * 64);
    await sharp(pixels, { raw: { width: 8, height: 8, channels: 1 } })
      .png()
      .toFile(join(place, `${i}.png`));
  }
  return path;
}

/** Weights of two epochs on the set, what an evaluation says, and the checkpoint's bytes. */
async function outcome(data: Dataset, storage: 'memory' | 'mapped', strategy: Strategy) {
  const out = join(folder, `run-${caches}-${storage}`);
  const config = { ...tinyConfig({ strategy, crop: 1, flip: true }), data: { storage } };
  const { model } = await train(config, { data, out }).result;
  const result = await evaluate(model, data, { threads: 1, threat: { eps: '16/255' } });
  const { clean, robust, attacks } = result;
  const rates = attacks.map(({ name, robust: under }) => [name, under.rate]);
  return { weights: readFileSync(join(out, 'model.safetensors')), rates: [clean.rate, robust.rate, rates] };
}

describe('a mapped set', () => {
  it.each([['with a memory of images', selfGradient()]])(
    'trains and is evaluated to the byte %s',
    async (_, strategy) => {
      using held = await Dataset.from(await tinySource(), { storage: 'memory' });
      using mapped = await Dataset.from(await tinySource(), { storage: 'mapped' });
      expect([held.storage, mapped.storage, mapped.sha256, mapped.classCounts]).toEqual([
        'memory',
        'mapped',
        held.sha256,
        held.classCounts,
      ]);
      expect(files()).toEqual([]);
      expect(await outcome(mapped, 'mapped', strategy)).toEqual(await outcome(held, 'memory', strategy));
    },
  );

  it.each(['self-gradient', 'atta'] as const)(
    'is stopped and resumed to the bytes of a run in memory: %s, whose memory of images is mapped too',
    async (name) => {
      const strategy: Strategy = name === 'atta' ? atta() : selfGradient();
      using held = await Dataset.from(await tinySource(), { storage: 'memory' });
      using mapped = await Dataset.from(await tinySource(), { storage: 'mapped' });
      const run = (data: Dataset, out: string, options: TrainOptions) =>
        train(
          {
            ...tinyConfig({ strategy, crop: 1, flip: true, epochs: 30 }),
            data: { storage: data.storage },
          },
          { data, out: join(folder, `${name}-${out}`), ...options },
        );
      (await run(held, 'whole', {}).result).model.dispose();
      const controller = new AbortController();
      const stopped = run(mapped, 'stopped', { signal: controller.signal });
      await nextEvent(stopped, 'epoch');
      controller.abort(new Error('enough'));
      await rejection(stopped.result);
      const { model, history } = await run(mapped, 'stopped', { resume: true }).result;
      model.dispose();
      expect(history[0]).toMatchObject({ type: 'start', resumedAtStep: expect.any(Number) });
      const weights = (out: string) => readFileSync(join(folder, `${name}-${out}`, 'model.safetensors'));
      expect(weights('stopped')).toEqual(weights('whole'));
    },
  );

  it('has the images of the source, the first ones only where asked', async () => {
    const indices = Int32Array.of(6, 0, 3);
    for (const limit of [null, 7]) {
      using held = await Dataset.from(await tinySource(), { storage: 'memory', limit });
      using mapped = await Dataset.from(await tinySource(), { storage: 'mapped', limit });
      expect(mapped.native.images({ indices })).toEqual(held.native.images({ indices }));
      expect(mapped.native.statistics()).toEqual(held.native.statistics());
      expect([mapped.count, mapped.sha256]).toEqual([held.count, held.sha256]);
      expect(() => mapped.native.images({ indices: Int32Array.of(mapped.count) })).toThrow(
        `Expected an index below ${mapped.count} but received ${mapped.count}.`,
      );
    }
  });

  it('is the file of the cache once images are decoded, and its parts are places in that file', async () => {
    const path = await pictures(30);
    const request = { source: 'image-folder', path, channels: 1 as const, cache: true };
    const parts = [
      {},
      { limit: 7 },
      { validation: 6 },
      { validation: 6, heldOut: true },
      { validation: 6, limit: 9, pick: 'stratified' as const },
    ];
    const first = [];
    for (const part of parts) {
      using set = await Dataset.from(await openData({ ...request, ...part, cache: false }));
      first.push([set.storage, set.count, set.sha256, set.classCounts, set.note]);
    }
    expect(files()).toEqual([]);
    using made = await Dataset.from(await openData({ ...request, ...parts[2] }), { storage: 'mapped' });
    expect([made.storage, files().length]).toEqual(['mapped', 1]);
    for (const [i, part] of parts.entries()) {
      using set = await Dataset.from(await openData({ ...request, ...part }));
      expect([set.storage, set.count, set.sha256, set.classCounts, set.note]).toEqual([
        'mapped',
        ...(first[i] as unknown[]).slice(1),
      ]);
      using held = await Dataset.from(await openData({ ...request, ...part, cache: false }));
      const indices = Int32Array.from({ length: set.count }, (_, index) => index);
      expect(set.native.images({ indices })).toEqual(held.native.images({ indices }));
    }
    expect(files().length).toBe(1);
    using none = await Dataset.from(await openData(request), { storage: 'memory' });
    expect(none.storage).toBe('memory');
  });

  it('stays when its file is removed, and a damaged one is made anew with a note', async () => {
    const path = await pictures(12);
    const open = () => openData({ source: 'image-folder', path, channels: 1, cache: true });
    using first = await Dataset.from(await open(), { storage: 'mapped' });
    const file = join(cache, 'decoded', files()[0] as string);
    const bytes = readFileSync(file);
    const told: string[] = [];
    vi.spyOn(process, 'emitWarning').mockImplementation((text) => void told.push(String(text)));
    const last = bytes.length - 1;
    for (const damaged of [
      bytes.subarray(0, last),
      Buffer.concat([bytes, bytes]),
      flipped(bytes, 4200),
      flipped(bytes, last),
    ]) {
      writeFileSync(`${file}.new`, damaged);
      // A mapped file is replaced, never written to: renaming keeps the first set whole.
      renameSync(`${file}.new`, file);
      using again = await Dataset.from(await open(), { storage: 'mapped' });
      expect(again.sha256).toBe(first.sha256);
      expect(readFileSync(file).equals(bytes)).toBe(true);
    }
    expect(told.length).toBe(4);
    const indices = Int32Array.of(11, 0);
    using held = await Dataset.from(await open(), { storage: 'memory' });
    expect(first.native.images({ indices })).toEqual(held.native.images({ indices }));
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at]! ^= 4;
  return changed;
}

describe('what goes wrong', () => {
  it('a disk that cannot hold the file is told before an image is read', async () => {
    const source = await tinySource();
    const huge = { ...source, count: 2 ** 44, [Symbol.asyncIterator]: () => expect.fail('was read') };
    expect(await rejection(Dataset.from(huge as Source, { storage: 'mapped' }))).toMatchObject({
      code: 'ERR_WRITE',
      exitCode: 1,
      message:
        `Expected room for ${2 ** 44} images (${2 ** 44 * 68 + 4096} bytes) in ${join(cache, 'decoded')} but received a full ` +
        'disk (ENOSPC). Free some space, or keep the images in memory with data.storage=memory.',
    });
  });

  it('a folder that cannot be made is an error for a set that must be mapped, and none for another', async () => {
    writeFileSync(cache, '');
    expect(await rejection(Dataset.from(await tinySource(), { storage: 'mapped' }))).toMatchObject({
      code: 'ERR_WRITE',
      message:
        `Expected to write a file for 96 images (10624 bytes) in ${join(cache, 'decoded')} but received an error (ENOTDIR). ` +
        'Make the folder writable, or keep the images in memory with data.storage=memory.',
    });
    using held = await Dataset.from(await tinySource());
    expect(held.storage).toBe('memory');
  });

  it('a source that fails leaves no file', async () => {
    const source = await tinySource();
    const failing = {
      ...source,
      contentKey: async () => 'k',
      async *[Symbol.asyncIterator]() {
        yield* source;
        throw new Error('broken');
      },
    };
    const { withDecodedCache } = await import('../../src/data/decodedCache.ts');
    const cached = withDecodedCache(failing);
    await expect(Dataset.from(cached, { storage: 'mapped' })).rejects.toThrow('broken');
    await expect(Dataset.from(failing, { storage: 'mapped' })).rejects.toThrow('broken');
    expect(files()).toEqual([]);
  });

  it('an unknown storage is named', async () => {
    expect(await rejection(Dataset.from(await tinySource(), { storage: 'disk' as 'mapped' }))).toMatchObject({
      code: 'ERR_OPTION',
      message: "Expected auto, memory or mapped for data.storage but received 'disk' (string).",
    });
  });
});
