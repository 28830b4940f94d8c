/** Networks exported as ONNX, run by onnxruntime: what it computes must be what LibTorch computes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { type ConfigInput, Dataset, exportOnnx, type Model, openArrays, train } from '../../src/index.ts';
import { rejection, temporaryFolder, tinyConfig } from './tiny.ts';

const folder = temporaryFolder();

/** Images that are not square and whose halves are odd, so that strides and paddings show. */
const shape = [3, 9, 7] as const;
const size = 3 * 9 * 7;
const count = 18;
const pixels = Float32Array.from({ length: count * size }, (_, i) => ((i * 7919) % 256) / 255);

/** Trained for an epoch, so that BatchNorm has statistics of its own. */
async function trained(model: ConfigInput['model']): Promise<Model> {
  const images = Uint8Array.from(pixels, (value) => Math.round(value * 255));
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  using data = await Dataset.from(
    await openArrays({ images, labels, shape, classes: ['cat', 'dog "of" <b>', 'owl'], name: 'odd' }),
  );
  const config = { ...tinyConfig({ epochs: 2, batchSize: 6 }), model };
  return (await train(config, { data }).result).model;
}

/** onnxruntime's logits of the first N images. */
async function run(session: InferenceSession, n: number): Promise<Float32Array> {
  const images = new Tensor('float32', pixels.slice(0, n * size), [n, ...shape]);
  const { logits } = await session.run({ images });
  expect(logits!.dims).toEqual([n, 3]);
  return logits!.data as Float32Array;
}

const networks: [string, ConfigInput['model']][] = (['relu', 'silu'] as const).flatMap((activation) => [
  [`small-cnn, ${activation}`, { architecture: 'small-cnn', width: 4, activation }],
  [
    `preact-resnet, ${activation}`,
    { architecture: 'preact-resnet', depths: [1, 2, 1], width: 4, activation },
  ],
  [`wide-resnet, ${activation}`, { architecture: 'wide-resnet', depths: [1, 1, 1], width: 1, activation }],
  [
    `layers, ${activation}`,
    {
      architecture: 'layers',
      activation,
      layers: [
        { name: 'conv', channels: 6, kernel: 5, stride: 2 },
        { name: 'max-pool', kernel: 3, stride: 2, padding: 1 },
        { name: 'residual', channels: 8 },
        'norm-activation',
        { name: 'average-pool', kernel: 2, stride: 1, padding: 1 },
        { name: 'linear', features: 12 },
        'activation',
        'linear',
      ],
    },
  ],
  [
    `layers with groups and bottlenecks, ${activation}`,
    {
      architecture: 'layers',
      activation,
      layers: [
        { name: 'conv', channels: 8, stride: 2 },
        'norm-activation',
        { name: 'conv', channels: 8, groups: 8, bias: true },
        { name: 'bottleneck', channels: 16, blocks: 2, stride: 2 },
        'norm-activation',
        'global-average-pool',
        'linear',
      ],
    },
  ],
  [
    `layers that end in pixels, ${activation}`,
    {
      architecture: 'layers',
      activation,
      layers: [
        { name: 'conv', channels: 8, bias: true },
        'activation',
        { name: 'max-pool', kernel: 3, stride: 2 },
        { name: 'conv', channels: 3, kernel: 1 },
        'global-average-pool',
      ],
    },
  ],
]);

describe('exportOnnx', () => {
  it.each(networks)('%s: the same logits within 1e-4, whatever the batch', async (name, options) => {
    using model = await trained({ ...options, mean: [0.5, 0.4, 0.3], std: [0.2, 0.25, 0.3] });
    const path = join(folder, `${name}.onnx`);
    await exportOnnx(model, path);
    const session = await InferenceSession.create(path);
    const { logits } = await model.predict(pixels, { threads: 1 });
    // A test on logits that hardly vary would say nothing.
    expect(Math.max(...logits) - Math.min(...logits)).toBeGreaterThan(0.1);
    for (const n of [1, 5, count]) {
      const other = await run(session, n);
      const differences = other.map((value, i) => Math.abs(value - logits[i]!));
      expect(Math.max(...differences)).toBeLessThan(1e-4);
    }
    await session.release();
  });

  it('says what goes in and out, the names of the classes, and what the network was trained for', async () => {
    using model = await trained({ architecture: 'small-cnn', width: 2 });
    const path = join(folder, 'described.onnx');
    await exportOnnx(model, path);
    const session = await InferenceSession.create(path);
    expect(session.inputMetadata).toMatchObject([{ name: 'images', type: 'float32', shape: ['N', 3, 9, 7] }]);
    expect(session.outputMetadata).toMatchObject([{ name: 'logits', type: 'float32', shape: ['N', 3] }]);
    const bytes = readFileSync(path);
    for (const text of [JSON.stringify(model.classes), 'linf 16/255', model.metadata['data.sha256']!]) {
      expect(bytes.includes(text)).toBe(true);
    }
    await session.release();
  });

  it('says where it cannot write, and refuses a model that was disposed of', async () => {
    const model = await trained({ architecture: 'small-cnn', width: 2 });
    const path = join(folder, 'none', 'model.onnx');
    expect(await rejection(exportOnnx(model, path))).toMatchObject({
      code: 'ERR_WRITE',
      message: `Cannot write ${path}: ENOENT: no such file or directory, open '${path}.${process.pid}.tmp'. Check that the directory exists, is writable and has space.`,
    });
    model.dispose();
    expect(await rejection(exportOnnx(model, join(folder, 'gone.onnx')))).toMatchObject({
      code: 'ERR_OPTION',
      message: 'Expected a model but it was disposed.',
    });
  });
});
