/** A network in JavaScript's hands: logits, names, files. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfigInput, loadModel, type Model, train } from '../../src/index.ts';
import { rejection, temporaryFolder, tinyConfig, tinyData, tinyImages } from './tiny.ts';

const folder = temporaryFolder();
const run = join(folder, 'run');
const { images } = tinyImages(23, 9);
let model: Model;
let logits: Float32Array;

async function trained(config: ConfigInput, out?: string): Promise<Model> {
  using data = await tinyData(48);
  return (await train(config, { data, ...(out && { out }) }).result).model;
}

beforeAll(async () => {
  model = await trained(tinyConfig({ epochs: 2 }), run);
  logits = await model.predict(images, { threads: 1 });
});
afterAll(() => model.dispose());

const largestDifference = (a: Float32Array, b: Float32Array) =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

describe('predict', () => {
  it('reads bytes as floats divided by 255', async () => {
    expect(logits).toHaveLength(23 * 3);
    expect(logits.every(Number.isFinite)).toBe(true);
    const floats = Float32Array.from(images, (value) => value / 255);
    expect(largestDifference(await model.predict(floats, { threads: 1 }), logits)).toBeLessThan(1e-5);
  });

  it.each([1, 4, 23, 1000])('does not depend on a batch size of %d', async (batchSize) => {
    const batched = await model.predict(images, { threads: 1, batchSize });
    expect(largestDifference(batched, logits)).toBeLessThan(1e-5);
  });

  it('reads a view into a larger buffer at its place', async () => {
    const part = images.subarray(64 * 5, 64 * 8);
    expect(largestDifference(await model.predict(part), logits.subarray(15, 24))).toBeLessThan(1e-5);
  });

  it('answers many calls at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => model.predict(images, { threads: 1 })));
    for (const answer of answers) expect(answer).toEqual(logits);
  });

  it.each([63, 65, 0])('refuses %d values, which are not whole images', async (length) => {
    expect(await rejection(model.predict(new Uint8Array(length)))).toMatchObject({
      code: 'ERR_OPTION',
      message: `Expected whole images of 1x8x8 for images but received ${length} values.`,
    });
  });

  it.each([-0.01, 1.01, Number.NaN, 8])('refuses a pixel of %d', async (value) => {
    expect(await rejection(model.predict(new Float32Array(64).fill(value, 7, 8)))).toMatchObject({
      code: 'ERR_PIXELS',
      exitCode: 2,
      message: `Expected pixels in [0, 1] for images but received ${Math.fround(value)} at position 7. Divide bytes by 255 and do not normalise: the network does that itself.`,
    });
  });
});

describe('a model', () => {
  it('tells what it is', () => {
    expect(model.options).toMatchObject({
      architecture: 'preact-resnet',
      channels: 1,
      height: 8,
      width: 8,
      classes: 3,
    });
    expect(model.classes).toEqual(['0', '1', '2']);
    expect(model.metadata).toMatchObject({
      strategy: 'self-gradient',
      threat: 'linf 16/255',
      'data.name': 'tiny',
    });
    const parameters = model.native
      .tensors()
      .filter(({ name }) => /\.(weight|bias)$/.test(name) && !name.startsWith('normalize'))
      .reduce((total, { shape }) => total + shape.reduce((product, length) => product * length, 1), 0);
    expect(model.parameterCount).toBe(parameters);
  });

  it("names a preact-resnet's tensors as PyTorch users do", async () => {
    const deeper = await trained({
      ...tinyConfig({ epochs: 0.1 }),
      model: { architecture: 'preact-resnet', depths: [1, 1], width: 4, taps: ['input', 'stage1'] },
    });
    const names = deeper.native.tensors().map(({ name }) => name);
    const shapes = Object.fromEntries(deeper.native.tensors().map(({ name, shape }) => [name, shape]));
    deeper.dispose();
    const bn = (prefix: string) =>
      ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'].map(
        (leaf) => `${prefix}.${leaf}`,
      );
    expect(names.filter((name) => !/mean$|std$/.test(name) || name.includes('running')).sort()).toEqual(
      [
        'conv1.weight',
        ...bn('layer1.0.bn1'),
        'layer1.0.conv1.weight',
        ...bn('layer1.0.bn2'),
        'layer1.0.conv2.weight',
        ...bn('layer2.0.bn1'),
        'layer2.0.conv1.weight',
        ...bn('layer2.0.bn2'),
        'layer2.0.conv2.weight',
        'layer2.0.shortcut.0.weight',
        ...bn('bn'),
        'linear.weight',
        'linear.bias',
      ].sort(),
    );
    expect(shapes['layer2.0.conv1.weight']).toEqual([8, 4, 3, 3]);
    expect(shapes['linear.weight']).toEqual([3, 8]);
  });
});

describe('loadModel', () => {
  it.each(['', 'model.safetensors', 'checkpoint.safetensors'])(
    'gives the same logits from the run directory, its model and its checkpoint (%j)',
    async (file) => {
      using loaded = await loadModel(join(run, file));
      expect(await loaded.predict(images, { threads: 1 })).toEqual(logits);
      expect(loaded.options).toEqual(model.options);
      expect(loaded.metadata).toEqual(model.metadata);
    },
  );

  it('reads what save wrote', async () => {
    const path = join(folder, 'saved.safetensors');
    model.save(path);
    using loaded = await loadModel(path);
    expect(loaded.path).toBe(path);
    expect(await loaded.predict(images, { threads: 1 })).toEqual(logits);
  });

  it('trains on nothing but the images: a copy elsewhere needs no run directory', async () => {
    const path = join(folder, 'alone.safetensors');
    copyFileSync(join(run, 'model.safetensors'), path);
    using loaded = await loadModel(path);
    expect(await loaded.predict(images, { threads: 1 })).toEqual(logits);
  });

  it('save refuses a directory that is not there', () => {
    const path = join(folder, 'none', 'model.safetensors');
    expect(() => model.save(path)).toThrow(
      `Expected to write ${path} but received an error (No such file or directory). Choose a folder that exists and that you may write to.`,
    );
  });
});
