/** bench/speed's own side runs, a measurement of each kind: what it compares with PyTorch must be there and of the right size. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/native/packageRoot.ts';
import { temporaryFolder } from './tiny.ts';

const script = join(packageRoot, 'bench/speed');
// What the script itself imports: a data set of one copy of the package is none of another's.
const { train } = await import(join(packageRoot, 'dist/index.js'));
const { loadImages, taskOf } = await import(join(script, 'prepare.mjs'));
const folder = temporaryFolder();
const model = { architecture: 'preact-resnet', depths: [1, 1, 1], width: 4, activation: 'silu' } as const;

function measured(kind: string, task: object) {
  const about = { ...taskOf({ network: 'small', case: kind, precision: 'float32', steps: 2 }, 1, folder) };
  const printed = execFileSync(process.execPath, [
    join(script, 'selfgrad.mjs'),
    JSON.stringify({ ...about, model, batch: 8, imagesPerStep: 8, ...task }),
  ]);
  return JSON.parse(printed.toString());
}

it('measures a training run', () => {
  const { images, seconds, cpuSeconds, passes, flops } = measured('pgd-10', {});
  // Ten attack steps and one of training, and their cost beside that of the weights' gradients.
  expect([images, passes]).toEqual([16, { forward: 176, backward: 176, weightGradients: 16 }]);
  for (const value of [seconds, cpuSeconds, flops]) expect(value).toBeGreaterThan(0);
});

it('measures an evaluation of the labels that the network gives itself', async () => {
  const { data } = await loadImages(join(folder, 'images.bin'), 16);
  const config = {
    threads: 1,
    model,
    train: { epochs: 1, batchSize: 8, validate: { every: 0 } },
  };
  const trained = await train(config, { data }).result;
  const weights = join(folder, 'tiny.safetensors');
  trained.model.save(weights);
  trained.model.dispose();
  const { images, standing, logits, passes } = measured('pgd-20-evaluation', { weights });
  expect(images).toBe(16);
  expect(standing).toBeLessThanOrEqual(1);
  expect(logits).toBeGreaterThan(0);
  // The clean pass and at least one of the attack.
  expect(passes.forward).toBeGreaterThanOrEqual(32);
});
