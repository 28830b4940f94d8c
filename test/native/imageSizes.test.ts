/** Images of the sizes that users bring: trained on, judged, saved, and told apart in another process's model. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Dataset, evaluate, loadModel, openArrays, train } from '../../src/index.ts';
import { temporaryFolder } from './tiny.ts';

const folder = temporaryFolder();

it.each([
  { architecture: 'preact-resnet', shape: [1, 28, 28] },
  { architecture: 'small-cnn', shape: [3, 32, 32] },
  { architecture: 'preact-resnet', shape: [3, 64, 64] },
  { architecture: 'small-cnn', shape: [3, 64, 48] },
  { architecture: 'preact-resnet', shape: [3, 224, 224] },
  { architecture: 'wide-resnet', shape: [3, 64, 64] },
] as const)('$architecture on images of $shape', async ({ architecture, shape }) => {
  const [channels, height, width] = shape;
  const count = 8;
  const pixels = channels * height * width;
  // One class is bright, the other dark.
  const images = Uint8Array.from(
    { length: count * pixels },
    (_, at) => (Math.floor(at / pixels) % 2 ? 190 : 50) + (at % 17),
  );
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  using data = await Dataset.from(await openArrays({ images, labels, shape, classes: 2 }));
  const structure = {
    'preact-resnet': { depths: [1, 1] },
    'small-cnn': {},
    'wide-resnet': { depths: [1, 1, 1] },
  };
  const { model, passes } = await train(
    {
      threads: 1,
      threat: { eps: '2/255' },
      model: { architecture, width: 4, ...structure[architecture] },
      train: { epochs: 10, batchSize: 4, lr: 0.05, validate: { every: 0 } },
    },
    { data },
  ).result;
  expect(passes.forward).toBeGreaterThan(10 * count);
  const options = { threat: { norm: 'linf', eps: 2 / 255 }, attacks: 'pgd', threads: 1 } as const;
  const { clean, robust } = await evaluate(model, data, options);
  expect([clean.correct, robust.correct]).toEqual([count, count]);
  const file = join(folder, `${architecture}-${shape.join('x')}.safetensors`);
  model.save(file);
  using loaded = await loadModel(file);
  expect((await loaded.predict(images)).logits).toEqual((await model.predict(images)).logits);
  model.dispose();
});
