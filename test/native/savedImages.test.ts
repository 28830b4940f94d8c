/** The adversarial images that an evaluation saves: which, what they hold, and that they are the same however it ran. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { type EvaluateOptions, fgsm, type ImagesDocument } from '../../src/index.ts';
import { rejection, temporaryFolder } from './tiny.ts';
import { count, data, figures, measure, model } from './tinyEvaluation.ts';

describe('saved images', () => {
  const folder = temporaryFolder();
  const names = (path: string) => readdirSync(path).sort();
  const document = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as ImagesDocument;
  const labelsOf = async (pixels: Float32Array | Uint8Array) =>
    (await model.predict(pixels, { threads: 1 })).predictions.map(({ label }) => label);

  /** The tensors of a file as its format defines them: 8 bytes of length, a header in JSON, the data. */
  function tensors(path: string) {
    const bytes = readFileSync(path);
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    const { __metadata__, ...entries } = JSON.parse(bytes.toString('utf8', 8, start));
    const data = (name: string) => {
      const [begin, end] = entries[name].data_offsets as [number, number];
      return new Uint8Array(bytes.subarray(start + begin, start + end)).buffer;
    };
    return { metadata: __metadata__, entries, data };
  }

  it('are those that were broken, by the attacks that broke them, and change no figure', async () => {
    const saveImages = join(folder, 'whole');
    const evaluation = await measure({ saveImages });
    const plain = await measure();
    expect(figures(evaluation)).toEqual(figures(plain));
    expect(evaluation.passes).toEqual(plain.passes);

    const { brokenBy } = evaluation.images;
    const broken = brokenBy.flatMap((by, index) => (by >= 0 ? [index] : []));
    expect(new Set(broken.map((index) => brokenBy[index])).size).toBeGreaterThan(1);
    const { images, tensors: file, ...about } = document(join(saveImages, 'adversarial-00000-00089.json'));
    expect(about).toMatchObject({ schema: 'selfgrad.images/1', first: 0, count, threat: { eps: 0.15 } });
    expect(images.map(({ index }) => index)).toEqual(broken);
    expect(images.map(({ attack }) => attack)).toEqual(
      broken.map((index) => evaluation.attacks[brokenBy[index]!]!.name),
    );

    const { entries, data: raw, metadata } = tensors(join(saveImages, file));
    expect(entries.images).toMatchObject({ dtype: 'F32', shape: [broken.length, 1, 8, 8] });
    expect(entries.originals).toMatchObject({ dtype: 'U8', shape: [broken.length, 1, 8, 8] });
    expect(JSON.parse(metadata.attacks)).toEqual(evaluation.attacks.map(({ name }) => name));
    const integers = (name: string) => [...new BigInt64Array(raw(name))].map(Number);
    expect(integers('indices')).toEqual(broken);
    expect(integers('attacks')).toEqual(broken.map((index) => brokenBy[index]));
    const labels = integers('labels');
    expect(labels).toEqual(images.map(({ label }) => label));
    const { images: originals } = data.native.images({ indices: Int32Array.from(broken) });
    expect(new Uint8Array(raw('originals'))).toEqual(originals);
    const pixels = new Float32Array(raw('images'));
    const change = (row: number) =>
      Math.max(
        ...Array.from({ length: 64 }, (_, i) =>
          Math.abs(pixels[64 * row + i]! - originals[64 * row + i]! / 255),
        ),
      );
    const predictions = await labelsOf(pixels);
    for (const [row, image] of images.entries()) {
      expect(image).toMatchObject({ success: true, prediction: predictions[row] });
      expect(image.prediction).not.toBe(labels[row]);
      expect(image.linf).toBeCloseTo(change(row), 6);
      expect(image.linf).toBeLessThanOrEqual(0.15 + 1e-6);
      const png = decode(readFileSync(join(saveImages, image.adversarial!)));
      const [read] = await labelsOf(Uint8Array.from(png.data));
      expect(image.successAfterRounding).toBe(read !== labels[row]);
      expect([...decode(readFileSync(join(saveImages, image.original!))).data]).toEqual([
        ...originals.subarray(64 * row, 64 * row + 64),
      ]);
    }
  });

  it('are the same of an evaluation that was interrupted, and of shards in one folder', async () => {
    const parts = { saveEvery: 25, epsCurve: null } satisfies EvaluateOptions;
    const whole = join(folder, 'parts');
    await measure({ ...parts, partial: join(folder, 'parts.jsonl'), saveImages: whole });
    const resumed = join(folder, 'resumed');
    const partial = join(folder, 'resumed.jsonl');
    const stop = new AbortController();
    const interrupted = measure({
      ...parts,
      partial,
      saveImages: resumed,
      signal: stop.signal,
      onEvent: (event) => event.type === 'part' && event.done === 50 && stop.abort(),
    });
    await rejection(interrupted);
    expect(names(resumed).filter((name) => name.endsWith('.json')).length).toBeLessThan(4);
    // Another folder would hold a part of the images only.
    expect(await rejection(measure({ ...parts, partial, saveImages: join(folder, 'other') }))).toMatchObject({
      code: 'ERR_CHECKPOINT',
    });
    await measure({ ...parts, partial, saveImages: resumed });
    expect(names(resumed)).toEqual(names(whole));
    for (const name of names(whole)) {
      expect(readFileSync(join(resumed, name)), name).toEqual(readFileSync(join(whole, name)));
    }

    const shards = join(folder, 'shards');
    for (const shard of ['2/2', '1/2']) await measure({ shard, saveImages: shards });
    const all = (path: string) =>
      names(path)
        .filter((name) => name.endsWith('.json'))
        .flatMap((name) => document(join(path, name)).images.map(({ index }) => index));
    expect(all(shards)).toEqual(all(whole));
  });

  it('never mix with those of another evaluation', async () => {
    const saveImages = join(folder, 'taken');
    await measure({ shard: '1/3', saveImages });
    const before = names(saveImages);
    expect(await rejection(measure({ saveImages }))).toMatchObject({
      code: 'ERR_OPTION',
      message: expect.stringContaining('holds adversarial-00000-00029.'),
    });
    expect(names(saveImages)).toEqual(before);
  });

  it('may be none', async () => {
    const saveImages = join(folder, 'none');
    await measure({ attacks: [fgsm({ eps: 0 })], saveImages });
    expect(names(saveImages)).toEqual([
      'adversarial-00000-00089.json',
      'adversarial-00000-00089.safetensors',
    ]);
    expect(document(join(saveImages, 'adversarial-00000-00089.json')).images).toEqual([]);
  });

  it('need a folder that can be made', async () => {
    const saveImages = join(folder, 'whole', 'adversarial-00000-00089.json', 'x');
    expect(await rejection(measure({ saveImages }))).toMatchObject({ code: 'ERR_WRITE' });
  });
});
