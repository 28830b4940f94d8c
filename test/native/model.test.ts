/** A network in JavaScript's hands: logits, names, files. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfigInput, loadModel, type Model, type PredictOptions, train } from '../../src/index.ts';
import { rejection, temporaryFolder, tinyConfig, tinyData, tinyImages } from './tiny.ts';

const folder = temporaryFolder();
const run = join(folder, 'run');
const { images } = tinyImages(23, 9);
let model: Model;
let logits: Float32Array;
const logitsOf = async (
  of: Model,
  pixels: Float32Array | Uint8Array = images,
  options: PredictOptions = {},
) => (await of.predict(pixels, { threads: 1, ...options })).logits;

async function trained(config: ConfigInput, out?: string): Promise<Model> {
  using data = await tinyData(48);
  return (await train(config, { data, ...(out && { out }) }).result).model;
}

beforeAll(async () => {
  model = await trained(tinyConfig({ epochs: 2 }), run);
  logits = await logitsOf(model);
});
afterAll(() => model.dispose());

const largestDifference = (a: Float32Array, b: Float32Array) =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

describe('predict', () => {
  it('reads bytes as floats divided by 255', async () => {
    expect(logits).toHaveLength(23 * 3);
    expect(logits.every(Number.isFinite)).toBe(true);
    const floats = Float32Array.from(images, (value) => value / 255);
    expect(largestDifference(await logitsOf(model, floats), logits)).toBeLessThan(1e-5);
  });

  it.each([1, 4, 23, 1000])('does not depend on a batch size of %d', async (batchSize) => {
    const batched = await logitsOf(model, images, { batchSize });
    expect(largestDifference(batched, logits)).toBeLessThan(1e-5);
  });

  it('reads a view into a larger buffer at its place', async () => {
    const part = images.subarray(64 * 5, 64 * 8);
    expect(largestDifference(await logitsOf(model, part), logits.subarray(15, 24))).toBeLessThan(1e-5);
  });

  it('answers many calls at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => logitsOf(model)));
    for (const answer of answers) expect(answer).toEqual(logits);
  });

  it('computes one call after the other, and a call that fails does not hold up the next', async () => {
    const order: string[] = [];
    await Promise.all([
      logitsOf(model).then(() => order.push('first')),
      rejection(logitsOf(model, new Uint8Array(63))).then(() => order.push('refused')),
      logitsOf(model, images.subarray(0, 64)).then(() => order.push('last')),
    ]);
    expect(order).toEqual(['first', 'refused', 'last']);
  });

  it('reads the images when it is called: they may be written over at once', async () => {
    const before = logitsOf(model);
    const scratch = Buffer.from(images);
    const answer = logitsOf(model, scratch);
    scratch.fill(0);
    await before;
    expect(await answer).toEqual(logits);
  });

  it('says the class of each image, its name, and how sure the network is', async () => {
    const { shape, predictions, logits: raw } = await model.predict(images, { threads: 1 });
    expect(shape).toEqual([23, 3]);
    expect(predictions).toHaveLength(23);
    for (const [i, { label, className, confidence }] of predictions.entries()) {
      const row = [...raw.subarray(3 * i, 3 * i + 3)];
      const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
      expect(row[label]).toBe(Math.max(...row));
      expect(className).toBe(String(label));
      expect(confidence).toBeCloseTo(Math.exp(row[label]!) / total, 6);
    }
  });

  it.each([63, 65, 0])('refuses %d values, which are not whole images', async (length) => {
    expect(await rejection(model.predict(new Uint8Array(length)))).toMatchObject({
      code: 'ERR_OPTION',
      message: `Expected whole images of 1x8x8 for images but received ${length} values.`,
    });
  });

  it('refuses what is no typed array of pixels', async () => {
    expect(await rejection(model.predict([0.5] as unknown as Float32Array))).toMatchObject({
      code: 'ERR_OPTION',
      message:
        'Expected a Float32Array or a Uint8Array for images but received [0.5] (array). Give N·C·H·W pixels in one array: floats in [0, 1], or bytes.',
    });
  });

  it.each([
    [{ batchSize: 0 }, 'Expected an integer >= 1 for batchSize but received 0 (number).'],
    [{ threads: 0 }, 'Expected an integer in [1, 1024] for threads but received 0 (number).'],
  ])('refuses %j', async (options, message) => {
    expect(await rejection(model.predict(images, options))).toMatchObject({ code: 'ERR_OPTION', message });
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
  it('says where it is, moves to where it is already in any state, and knows no other device', () => {
    expect(model.to('cpu')).toBe('cpu');
    expect(model.device).toBe('cpu');
    expect(() => model.to('gpu' as 'cpu')).toThrow(
      "Expected auto, cpu or cuda:N for device but received 'gpu' (string). Write cuda:0.",
    );
  });

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
      expect(await logitsOf(loaded)).toEqual(logits);
      expect(loaded.options).toEqual(model.options);
      expect(loaded.metadata).toEqual(model.metadata);
    },
  );

  it('reads what save wrote', async () => {
    const path = join(folder, 'saved.safetensors');
    model.save(path);
    using loaded = await loadModel(path);
    expect(loaded.path).toBe(path);
    expect(await logitsOf(loaded)).toEqual(logits);
  });

  it('trains on nothing but the images: a copy elsewhere needs no run directory', async () => {
    const path = join(folder, 'alone.safetensors');
    copyFileSync(join(run, 'model.safetensors'), path);
    using loaded = await loadModel(path);
    expect(await logitsOf(loaded)).toEqual(logits);
  });

  it('refuses names that are not those of its classes', async () => {
    const path = join(folder, 'names.safetensors');
    model.native.save({ path, metadata: { 'data.classes': '["cat","dog"]' } });
    expect(await rejection(loadModel(path))).toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: `Expected the names of 3 classes for data.classes in the metadata of ${path} but received '["cat","dog"]' (string). Use a model or checkpoint file that selfgrad wrote.`,
    });
  });

  it('save refuses a directory that is not there', () => {
    const path = join(folder, 'none', 'model.safetensors');
    expect(() => model.save(path)).toThrow(
      `Expected to write ${path} but received an error (No such file or directory). Choose a folder that exists and that you may write to.`,
    );
  });
});
