/** `attack()`: adversarial images inside their ball, and flags that another forward pass confirms. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Norm } from '../../src/config/threat.ts';
import {
  apgdCe,
  apgdDlr,
  apgdT,
  attack,
  autoattack,
  cwL2,
  cwLinf,
  deepFool,
  fab,
  fabT,
  fgsm,
  type ListedAttack,
  type Model,
  miFgsm,
  pgd,
  square,
  train,
} from '../../src/index.ts';
import { rejection, tinyConfig, tinyData, tinyImages } from './tiny.ts';

const count = 30;
const { images: bytes, labels } = tinyImages(count, 2);
const images = Float32Array.from(bytes, (value) => value / 255);
let model: Model;
beforeAll(async () => {
  const data = await tinyData(96);
  ({ model } = await train(tinyConfig({ epochs: 3 }), { data }).result);
  data.dispose();
});
afterAll(() => model.dispose());

async function classesOf(pixels: Float32Array): Promise<number[]> {
  const { predictions } = await model.predict(pixels, { threads: 1 });
  return predictions.map(({ label }) => label);
}

/** Distance of each image from the clean one. */
function distances(adversarial: Float32Array, norm: Norm): number[] {
  return Array.from({ length: count }, (_, row) => {
    const change = [...adversarial.subarray(64 * row, 64 * row + 64)].map(
      (x, i) => x - images[64 * row + i]!,
    );
    const sizes = change.map(Math.abs);
    if (norm === 'l1') return sizes.reduce((sum, size) => sum + size, 0);
    return norm === 'linf' ? Math.max(...sizes) : Math.hypot(...sizes);
  });
}

describe('attack', () => {
  it.each<[string, ListedAttack, Norm, number]>([
    ['fgsm', fgsm(), 'linf', 0.2],
    ['pgd', pgd({ steps: 7, restarts: 2 }), 'linf', 0.2],
    ['pgd in l2', pgd({ steps: 7 }), 'l2', 1.5],
    ['mi-fgsm', miFgsm(), 'linf', 0.2],
    ['cw-linf', cwLinf({ steps: 7 }), 'linf', 0.2],
    ['apgd-ce', apgdCe({ steps: 7, restarts: 2 }), 'linf', 0.2],
    ['apgd-dlr in l2', apgdDlr({ steps: 7 }), 'l2', 1.5],
    ['apgd-ce in l1', apgdCe({ steps: 20, restarts: 2 }), 'l1', 6],
    ['apgd-dlr in l1', apgdDlr({ steps: 20 }), 'l1', 6],
    ['autoattack rand in l1', autoattack({ version: 'rand' }), 'l1', 6],
    ['fab-t', fabT({ steps: 5, restarts: 2 }), 'linf', 0.2],
    ['fab-t in l2', fabT({ steps: 5 }), 'l2', 1.5],
    ['fab', fab({ steps: 5, restarts: 2 }), 'linf', 0.2],
    ['deepfool', deepFool(), 'linf', 0.2],
    ['deepfool in l2', deepFool(), 'l2', 1.5],
    ['autoattack rand', autoattack({ version: 'rand' }), 'linf', 0.2],
    ['square', square({ queries: 200, restarts: 2 }), 'linf', 0.2],
    ['square in l2', square({ queries: 200 }), 'l2', 1.5],
    ['cw-l2', cwL2({ steps: 20, binarySearchSteps: 3 }), 'l2', 3],
  ])('%s stays in its ball and in [0, 1], and tells the truth', async (_, options, norm, eps) => {
    const { adversarial, success, predictions, passes } = await attack(model, images, labels, options, {
      threat: { norm, eps },
      threads: 1,
      batchSize: 11,
    });
    expect(adversarial).toHaveLength(images.length);
    expect(Math.min(...adversarial)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...adversarial)).toBeLessThanOrEqual(1);
    expect(Math.max(...distances(adversarial, norm))).toBeLessThanOrEqual(eps + 1e-5);
    const classes = await classesOf(adversarial);
    expect([...predictions]).toEqual(classes);
    expect([...success]).toEqual(classes.map((label, i) => (label === labels[i] ? 0 : 1)));
    expect(success).toContain(1);
    expect(passes.forward).toBeGreaterThan(0);
    // Square sees logits alone.
    expect(passes.backward > 0).toBe(options.name !== 'square');
    // What was not broken comes back as it was.
    for (const [i, distance] of distances(adversarial, norm).entries())
      if (!success[i]) expect(distance).toBe(0);
  });

  it('depends on its seed alone', async () => {
    const run = async (seed: number, batchSize: number) =>
      (
        await attack(model, images, labels, pgd({ steps: 1 }), {
          threat: { eps: 0.2 },
          threads: 1,
          seed,
          batchSize,
        })
      ).adversarial;
    const [first, again, other] = [await run(1, 30), await run(1, 30), await run(2, 30)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('refuses apgd-t on three classes', async () => {
    expect(await rejection(attack(model, images, labels, apgdT()))).toMatchObject({
      code: 'ERR_OPTION',
      message:
        'Expected at least 4 classes for the attack apgd-t but received a network with 3. Use apgd-ce and fab-t.',
    });
  });

  it('refuses wrong pixels, labels and lengths', async () => {
    const wrongPixels = Float32Array.from(images);
    wrongPixels[100] = 1.5;
    expect(await rejection(attack(model, wrongPixels, labels, pgd()))).toMatchObject({
      code: 'ERR_PIXELS',
      message:
        'Expected pixels in [0, 1] for images but received 1.5 at position 100. Divide bytes by 255 and do not normalise: the network does that itself.',
    });
    expect(await rejection(attack(model, images, labels.with(4, 3), pgd()))).toMatchObject({
      code: 'ERR_LABEL',
      message: 'Label 3 at index 4 is outside 0…2 (3 classes).',
    });
    expect(await rejection(attack(model, images, labels.subarray(1), pgd()))).toMatchObject({
      code: 'ERR_OPTION',
      message: `Expected ${count} labels, one an image, but received ${count - 1}.`,
    });
  });

  it('stops at a signal, with its reason', async () => {
    const controller = new AbortController();
    const run = attack(model, images, labels, pgd({ steps: 100_000 }), {
      threat: { eps: 1e-6 },
      signal: controller.signal,
    });
    setImmediate(() => controller.abort('enough'));
    expect(await rejection(run)).toBe('enough');
  });
});
