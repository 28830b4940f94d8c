/** Networks from lists of layers, from the configuration to the saved file. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import '../properties.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import {
  type ConfigInput,
  loadModel,
  type NetworkLayerInput,
  presetNames,
  SelfgradError,
  selfGradient,
  train,
} from '../../src/index.ts';
import { networkCosts, totalCost } from '../../src/networkCosts.ts';
import { rejection, temporaryFolder, tinyConfig, tinyData, tinyImages } from './tiny.ts';

const folder = temporaryFolder();

const layers: NetworkLayerInput[] = [
  { name: 'conv', channels: 4 },
  { name: 'max-pool', kernel: 3, stride: 2, padding: 1 },
  { name: 'tap', place: 'stem' },
  { name: 'residual', channels: 8, blocks: 2, stride: 2 },
  { name: 'tap', place: 'middle' },
  'norm-activation',
  'average-pool',
  { name: 'linear', features: 6 },
  'activation',
  'linear',
];

const listed = (own: NetworkLayerInput[], rest: ConfigInput['train'] = {}): ConfigInput => ({
  ...tinyConfig(rest),
  model: { architecture: 'layers', layers: own },
});

const costsOf = (own: NetworkLayerInput[], shape: [number, number, number] = [1, 8, 8]) =>
  networkCosts(resolveConfig([{ origin: 'test', values: listed(own) }]).config, shape, 3);

describe('a list of layers', () => {
  const strategy = selfGradient({ steps: 1, features: [{ place: 'middle', rho: 0.1 }] });

  it('trains with a feature tap, and is the same network when it is saved and loaded', async () => {
    using data = await tinyData(96);
    const out = join(folder, 'run');
    const { model, history } = await train(listed(layers, { strategy, epochs: 3 }), { data, out }).result;
    using trained = model;
    expect(history.filter(({ type }) => type === 'epoch')).toHaveLength(3);
    const pixels = tinyImages(10, 3).images;
    const { logits } = await trained.predict(pixels, { threads: 1 });
    expect(Math.max(...logits) - Math.min(...logits)).toBeGreaterThan(0.1);
    using loaded = await loadModel(out);
    expect((await loaded.predict(pixels, { threads: 1 })).logits).toEqual(logits);
    expect(loaded.networkOptions).toEqual(trained.networkOptions);
    expect(loaded.networkOptions.taps).toEqual(['input', 'stem', 'middle']);
    expect(loaded.layerCosts).toEqual(costsOf(layers));
    expect(loaded.flops).toBe(2 * totalCost(loaded.layerCosts).multiplyAdds);
    expect(totalCost(loaded.layerCosts).parameters).toBe(loaded.parameterCount);
    expect(loaded.layerCosts[3]).toEqual({
      name: 'layers.3',
      kind: 'residual',
      shape: [8, 2, 2],
      // 4·8·9 + 8·8·9, 8·8·9 twice, a 1×1 of 4·8, and weight and bias of four BatchNorms.
      parameters: 288 + 3 * 576 + 32 + 2 * (4 + 8 + 8 + 8),
      multiplyAdds: 4 * (288 + 3 * 576 + 32),
    });
  });

  it('leaves no trace in the identity of runs without one', async () => {
    using data = await tinyData(32);
    using model = (await train(tinyConfig({ epochs: 1 }), { data }).result).model;
    // In this order: checkpoints of earlier versions hold this text.
    expect(Object.keys(JSON.parse(model.metadata.run!).model)).toEqual([
      'architecture',
      'depths',
      'width',
      'activation',
      'taps',
      'mean',
      'std',
    ]);
    using other = (await train(listed(layers, { epochs: 1 }), { data }).result).model;
    expect(JSON.parse(other.metadata.run!).model.layers).toHaveLength(layers.length);
  });

  it('is checked before any image is read', async () => {
    // The images of this set are missing: only its shape is known.
    const path = join(folder, 'headers');
    mkdirSync(path);
    const header = (sizes: number[]) =>
      Buffer.from([0, 0, 8, sizes.length, ...sizes.flatMap((n) => [0, 0, 0, n])]);
    for (const split of ['train', 't10k']) {
      writeFileSync(
        join(path, `${split}-images-idx3-ubyte`),
        Buffer.concat([header([1, 28, 28]), Buffer.alloc(784)]),
      );
      writeFileSync(
        join(path, `${split}-labels-idx1-ubyte`),
        Buffer.concat([header([1]), Buffer.from([77])]),
      );
    }
    const data = { source: 'idx', path };
    const run = (own: NetworkLayerInput[]) => rejection(train({ ...listed(own), data }).result);
    expect(await run(['linear'])).toMatchObject({ code: expect.stringMatching(/ERR_(LABEL|DATA)/) });
    expect(await run([{ name: 'max-pool', kernel: 40 }, 'linear'])).toMatchObject({
      code: 'ERR_OPTION',
      message:
        'Expected a side of at least 40 pixels with padding for model.layers[0] (max-pool) but received 1x28x28. Use a smaller kernel, fewer strides before it, or larger images.',
    });
  });

  it('names the layer that does not fit, and the tap that is not there', () => {
    expect(() => costsOf(['linear', { name: 'conv', channels: 4 }])).toThrow(
      'Expected channels, height and width for model.layers[1] (conv) but received 3 features. Put it before global-average-pool and linear.',
    );
    expect(() => costsOf([{ name: 'linear', features: 4 }])).toThrow(
      'Expected 3 logits, one a class, behind the last layer of model.layers but received 4 features. End it with global-average-pool and linear.',
    );
  });
});

describe('the presets', () => {
  const cost = (preset: (typeof presetNames)[number], shape: [number, number, number]) =>
    totalCost(networkCosts(resolveConfig([{ origin: 'test', values: { preset } }]).config, shape, 10));

  it('imagenette-like-224 costs what a ResNet-18 for ImageNet costs, not 49 times one for CIFAR', () => {
    expect(cost('imagenette-like-224', [3, 224, 224])).toEqual({
      // torchvision's resnet18 with 10 classes has 11 181 642: no BatchNorm behind the stem (128) and in projected
      // shortcuts (1792), narrower first ones in three blocks (896), and one more at the end (1024).
      parameters: 11_179_850,
      multiplyAdds: 1_813_566_464,
    });
    expect(cost('cifar10-resnet18', [3, 32, 32]).multiplyAdds).toBe(555_422_720);
  });

  it('are all networks that can be built', () => {
    for (const preset of presetNames) expect(cost(preset, [3, 224, 224]).parameters).toBeGreaterThan(0);
  });
});

/** Any list that the schema takes. */
const anyLayer: fc.Arbitrary<NetworkLayerInput> = fc.oneof(
  fc.constantFrom<NetworkLayerInput>('norm-activation', 'activation', 'global-average-pool', 'linear'),
  fc.record({
    name: fc.constant('conv' as const),
    channels: fc.integer({ min: 1, max: 65536 }),
    kernel: fc.integer({ min: 1, max: 64 }),
    stride: fc.integer({ min: 1, max: 64 }),
    padding: fc.option(fc.integer({ min: 0, max: 63 })),
    bias: fc.boolean(),
  }),
  fc.record({
    name: fc.constantFrom('max-pool' as const, 'average-pool' as const),
    kernel: fc.integer({ min: 1, max: 64 }),
    stride: fc.option(fc.integer({ min: 1, max: 64 })),
    padding: fc.integer({ min: 0, max: 32 }),
  }),
  fc.record({
    name: fc.constant('residual' as const),
    channels: fc.integer({ min: 1, max: 64 }),
    blocks: fc.integer({ min: 1, max: 4 }),
    stride: fc.integer({ min: 1, max: 64 }),
  }),
  fc.record({ name: fc.constant('linear' as const), features: fc.integer({ min: 1, max: 1_048_576 }) }),
  fc.record({ name: fc.constant('tap' as const), place: fc.stringMatching(/^[a-hA-H0-9]{1,64}$/) }),
);

it('any list is a network or an error that names a layer', () => {
  let built = 0;
  let refused = 0;
  fc.assert(
    fc.property(
      fc.array(anyLayer, { maxLength: 6 }),
      fc.integer({ min: 1, max: 64 }),
      fc.boolean(),
      (list, side, ends) => {
        const own: NetworkLayerInput[] = ends ? [...list, 'linear'] : [...list, 'activation'];
        try {
          const costs = costsOf(own, [1, side, side]);
          expect(costs).toHaveLength(own.length);
          expect(costs.at(-1)!.shape).toEqual([3]);
          built++;
        } catch (error) {
          expect(error).toBeInstanceOf(SelfgradError);
          expect(error).toMatchObject({
            code: 'ERR_OPTION',
            message: expect.stringContaining('model.layers'),
          });
          refused++;
        }
      },
    ),
    { numRuns: 300 },
  );
  expect(built).toBeGreaterThan(20);
  expect(refused).toBeGreaterThan(20);
});
