/**
 * What the CPU computes and the GPU as well, on a machine with a GPU: logits, a step of every training strategy,
 * attacks, a stability analysis. Each says how much of the difference that is allowed it used.
 */
import { afterAll, describe, expect, it } from 'vitest';
import {
  apgdCe,
  apgdT,
  atta,
  cwL2,
  cwLinf,
  deepFool,
  evaluate,
  fab,
  fgsmRs,
  freeTraining,
  gradalign,
  type ListedAttack,
  type Model,
  mart,
  miFgsm,
  nFgsm,
  pgd,
  pgdTraining,
  type Strategy,
  selfGradient,
  square,
  stability,
  standard,
  trades,
  train,
} from '../../src/index.ts';
import { tinyConfig, tinyData, tinyImages } from '../native/tiny.ts';

const devices = ['cpu', 'cuda:0'] as const;
const data = await tinyData(96);
const test = await tinyData(48, 'test');
afterAll(() => {
  data.dispose();
  test.dispose();
});

const trainOn = async (device: (typeof devices)[number], strategy: Strategy, epochs: number) => {
  const config = { ...tinyConfig({ strategy, epochs, lr: 0.05 }), device };
  return (await train(config, { data }).result).model;
};

/** Every weight of a network, in the order of its layers. */
const weightsOf = (model: Model): number[] =>
  model.native.layers().flatMap((layer) => ('weight' in layer ? [...layer.weight.values] : []));

function expectClose(what: string, there: ArrayLike<number>, here: ArrayLike<number>, allowed: number): void {
  expect(there).toHaveLength(here.length);
  let largest = 0;
  for (let i = 0; i < here.length; i += 1) largest = Math.max(largest, Math.abs(there[i]! - here[i]!));
  console.log(`${what}: ${((100 * largest) / allowed).toFixed(0)} % of the allowed ${allowed}`);
  expect(largest).toBeLessThan(allowed);
}

const strategies: Strategy[] = [
  standard(),
  pgdTraining({ steps: 3 }),
  fgsmRs(),
  nFgsm(),
  freeTraining(),
  gradalign(),
  atta({ steps: 2 }),
  trades({ steps: 2 }),
  mart({ steps: 2 }),
  selfGradient(),
];

describe('a step of training', () => {
  it.each(strategies)('$name', async (strategy) => {
    const oneStep = 16 / 96;
    using here = await trainOn('cpu', strategy, oneStep);
    using there = await trainOn('cuda:0', strategy, oneStep);
    expect(there.device).toBe('cuda:0');
    expectClose(strategy.name, weightsOf(there), weightsOf(here), 2e-3);
  });

  it('resumes and repeats: the same run twice gives networks that agree on every image', async () => {
    using first = await trainOn('cuda:0', selfGradient(), 2);
    using second = await trainOn('cuda:0', selfGradient(), 2);
    const { images } = tinyImages(48, 2);
    const labels = async (model: Model) =>
      (await model.predict(images)).predictions.map(({ label }) => label);
    expect(await labels(second)).toEqual(await labels(first));
  });
});

const attacks: ListedAttack[] = [
  pgd({ steps: 25 }),
  miFgsm({ steps: 25 }),
  cwLinf({ steps: 25 }),
  apgdCe({ steps: 50 }),
  apgdT({ steps: 25, targets: 2 }),
  fab({ steps: 10 }),
  square({ queries: 200 }),
  deepFool(),
  cwL2({ steps: 50 }),
];

describe('a network that is moved', () => {
  it('gives the same logits', async () => {
    using model = await trainOn('cpu', selfGradient(), 4);
    const { images } = tinyImages(48, 2);
    const here = await model.predict(images);
    model.to('cuda:0');
    expectClose('logits', (await model.predict(images)).logits, here.logits, 1e-4);
  });

  it.each(attacks)('is broken on as many images by $name', async (attack) => {
    using model = await trainOn('cpu', selfGradient(), 4);
    const threat = {
      norm: attack.name === 'cw-l2' || attack.name === 'deepfool' ? 'l2' : 'linf',
      eps: 0.1,
    } as const;
    const robust: number[] = [];
    for (const device of devices) {
      const options = { threat, device, attacks: [attack], batchSize: 20 };
      robust.push((await evaluate(model, test, options)).robust.correct);
    }
    // Rounding decides on an image at the edge.
    expect(Math.abs(robust[1]! - robust[0]!)).toBeLessThanOrEqual(1);
  });

  it('has the same gradients and the same certified radii', async () => {
    using model = await trainOn('cpu', selfGradient(), 4);
    const options = { threat: { eps: 0.1 }, count: 16, certify: { count: 4 } } as const;
    const here = await stability(model, test, { ...options, device: 'cpu' });
    const there = await stability(model, test, { ...options, device: 'cuda:0' });
    expectClose('gradient', there.images.gradientL1 as number[], here.images.gradientL1 as number[], 1e-3);
    expectClose('radius', there.images.certifiedRadius, here.images.certifiedRadius, 1e-5);
  });
});
