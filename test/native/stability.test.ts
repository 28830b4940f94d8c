/** Stability analysis through the addon: figures that fit each other, and misuse. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Dataset,
  evaluate,
  type Model,
  pgd,
  renderStability,
  type StabilityOptions,
  stability,
  train,
} from '../../src/index.ts';
import type { NativeStabilityEvent } from '../../src/native/measureBinding.ts';
import { rejection, tinyConfig, tinyData } from './tiny.ts';

const count = 30;
let model: Model;
let data: Dataset;
beforeAll(async () => {
  const images = await tinyData(96);
  const config = tinyConfig({ epochs: 3 });
  config.model = { architecture: 'small-cnn', width: 4 };
  ({ model } = await train(config, { data: images }).result);
  images.dispose();
  data = await tinyData(count, 'test');
});
afterAll(() => {
  model.dispose();
  data.dispose();
});

const defaults: StabilityOptions = {
  threads: 1,
  threat: { eps: 0.03 },
  iterations: 5,
  certify: { count: 12, bisections: 6 },
};
const analyse = (options: StabilityOptions = {}) => stability(model, data, { ...defaults, ...options });

describe('stability', () => {
  it('puts robust accuracy between its floor and its ceiling', async () => {
    const { clean, attacked, bound } = await analyse();
    const { robust } = await evaluate(model, data, {
      threads: 1,
      threat: { eps: 0.03 },
      count: 12,
      attacks: [pgd({ restarts: 2 })],
    });
    expect(clean).toMatchObject({ count });
    expect(attacked.correct).toBeLessThanOrEqual(clean.correct);
    expect(bound?.certified.count).toBe(12);
    expect(bound!.certified.correct).toBeLessThanOrEqual(robust.correct);
    expect(bound!.certified.correct).toBeLessThanOrEqual(bound!.attacked.correct);
    // The case is worth looking at: some radius is certified.
    expect(bound!.radius.p95).toBeGreaterThan(0);
  });

  it('gives one value an image, and their spread', async () => {
    const { images, diagnostics, options } = await analyse();
    for (const [name, values] of Object.entries(images)) {
      expect(values, name).toHaveLength(name === 'certifiedRadius' ? 12 : count);
    }
    expect(diagnostics.gradientL1.count).toBe(count);
    expect(diagnostics.gradientL1.median!).toBeGreaterThanOrEqual(diagnostics.gradientL2.median!);
    expect(diagnostics.gradientCosine.p95!).toBeLessThanOrEqual(1 + 1e-9);
    expect(options).toMatchObject({ count, alpha: 0.03 / 4, steps: 10 });
  });

  it('draws the loss along three directions from the same start', async () => {
    const { profile, clean } = await analyse({ multiples: [0, 1] });
    expect(profile.curves.map(({ direction }) => direction)).toEqual(['gradient', 'pgd', 'random']);
    expect(new Set(profile.curves.map(({ loss }) => loss[0]!.toFixed(4))).size).toBe(1);
    for (const { accuracy } of profile.curves) expect(accuracy[0]).toBeCloseTo(clean.rate, 12);
    const [, pgdCurve, random] = profile.curves;
    expect(pgdCurve!.loss[1]).toBeGreaterThan(random!.loss[1]!);
  });

  it('does not depend on the batch size nor on threads', async () => {
    const [small, large] = [await analyse({ batchSize: 7 }), await analyse({ batchSize: 30, threads: 2 })];
    expect(small.bound!.certified).toEqual(large.bound!.certified);
    expect(small.attacked).toEqual(large.attacked);
    for (const [i, value] of small.images.gradientL1.entries()) {
      expect(Math.abs(value! - large.images.gradientL1[i]!)).toBeLessThan(1e-4 * (1 + value!));
    }
  });

  it('leaves the bound out when it is not asked for', async () => {
    const { bound, images } = await analyse({ certify: null });
    expect({ bound, radii: images.certifiedRadius }).toEqual({ bound: null, radii: [] });
  });

  it('works in l2', async () => {
    const { bound, diagnostics } = await analyse({ threat: { norm: 'l2', eps: 0.1 } });
    expect(bound!.certified.correct).toBeLessThanOrEqual(bound!.attacked.correct);
    // In l2 both forms of agreement are the cosine.
    expect(diagnostics.gradientAgreement.median).toBeCloseTo(diagnostics.gradientCosine.median!, 6);
  });

  it('tells of both parts, and stops when it is told to', async () => {
    const events: NativeStabilityEvent[] = [];
    await analyse({ batchSize: 10, onEvent: (event) => events.push(event) });
    expect(events.filter(({ type }) => type === 'diagnose').map(({ done }) => done)).toEqual([10, 20, 30]);
    expect(events.at(-1)).toEqual({ type: 'certify', done: 12, count: 12 });
    const controller = new AbortController();
    const reason = new Error('enough');
    const aborted = analyse({
      batchSize: 5,
      signal: controller.signal,
      onEvent: () => controller.abort(reason),
    });
    expect(await rejection(aborted)).toBe(reason);
  });

  it('refuses data of another shape, and unknown options', async () => {
    const wrong = { iteration: 3 } as StabilityOptions;
    expect(String(await rejection(analyse(wrong)))).toContain(
      'Unknown option stability.iteration. Did you mean stability.iterations?',
    );
  });

  it('prints a table with floor and ceiling', async () => {
    const text = renderStability(await analyse());
    expect(text).toMatch(/^stability {2}small-cnn · tiny test 30 · linf 0\.03 · cpu · seed 0$/m);
    expect(text).toMatch(/^certified +[\d.]+ % .* of the first 12: a floor$/m);
    expect(text).toMatch(/^margin radius \(estimate\) +/m);
    expect(text).toMatch(/^along pgd +/m);
  });
});
