/** The checks for gradient masking on real networks, through the addon. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Dataset,
  type MaskingAnalysis,
  type MaskingOptions,
  type Model,
  masking,
  renderMasking,
  train,
} from '../../src/index.ts';
import { rejection, tinyConfig, tinyData } from './tiny.ts';

let model: Model;
let data: Dataset;
beforeAll(async () => {
  const images = await tinyData(96);
  ({ model } = await train(tinyConfig({ epochs: 4 }), { data: images }).result);
  images.dispose();
  data = await tinyData(120, 'test');
});
afterAll(() => {
  model.dispose();
  data.dispose();
});

const defaults: MaskingOptions = {
  threads: 1,
  threat: { eps: '16/255' },
  count: 120,
  apgdSteps: 20,
  queries: 100,
  points: 20,
};
const check = (options: MaskingOptions = {}) => masking(model, data, { ...defaults, ...options });
const outline = ({ verdict, checks }: MaskingAnalysis) => ({
  verdict,
  checks: checks.map(({ name, raised }) => [name, raised]),
});

it('finds no sign in a network that was trained against PGD', async () => {
  const analysis = await check();
  expect(analysis.checks.filter(({ raised }) => raised)).toEqual([]);
  expect(analysis).toMatchObject({ verdict: 'no sign', options: { count: 120, steps: 20 } });
  expect(analysis.checks.map(({ name }) => name)).toEqual([
    'randomised-outputs',
    'batch-neighbours',
    'probabilities',
    'zero-gradient',
    'gradient-error',
    'single-step',
    'eps-curve',
    'unbounded',
    'steps',
    'restarts',
    'attack-order',
    'square-gain',
  ]);
  // Two looks at every image and one at 32 of them are the least that is billed.
  expect(analysis.passes.forward).toBeGreaterThan(2 * 120 + 32);
  const text = renderMasking(analysis);
  expect(text).toContain('no sign of masking in 12 checks');
  for (const { name } of analysis.checks) expect(text).toContain(name);
});

it('suspects an attack of one step, which five steps improve on', async () => {
  const { verdict, checks } = await check({ steps: 1, threat: { eps: 0.2 } });
  expect(verdict).toBe('suspect');
  expect(checks.find(({ name }) => name === 'steps')!.figures.gain!).toBeGreaterThan(0.02);
});

it('says the same whatever the batch size', async () => {
  expect(outline(await check({ batchSize: 7 }))).toEqual(outline(await check({ batchSize: 60 })));
});

it('works in l2', async () => {
  expect((await check({ threat: { norm: 'l2', eps: 0.3 } })).verdict).toBe('no sign');
});

it('stops when asked', async () => {
  const controller = new AbortController();
  const stopped = check({
    signal: controller.signal,
    onEvent: () => controller.abort(new Error('enough')),
  });
  expect(await rejection(stopped)).toMatchObject({ message: 'enough' });
});
