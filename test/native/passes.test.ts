/** What the core counts is what the configuration says a strategy costs: budgets of passes rest on it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/config/resolve.ts';
import { passesPerExample, type StrategyInput, strategyNames } from '../../src/config/strategies/strategy.ts';
import { stepsPerEpoch } from '../../src/config/train.ts';
import { type Dataset, train } from '../../src/index.ts';
import { tinyConfig, tinyData } from './tiny.ts';

// A last batch of 8.
const count = 72;
let data: Dataset;
beforeAll(async () => {
  data = await tinyData(count);
});
afterAll(() => data.dispose());

const inputs: StrategyInput[] = [
  ...strategyNames.filter((name) => name !== 'self-gradient'),
  { name: 'pgd', steps: 3 },
  { name: 'free', replays: 3 },
  { name: 'atta', steps: 2 },
  { name: 'trades', steps: 1 },
  { name: 'mart', steps: 1 },
  { name: 'self-gradient', steps: 1, relay: 1 },
  { name: 'self-gradient', steps: 3, relay: 1, memory: 'class' },
  { name: 'self-gradient', steps: 0, relay: 1, memory: 'universal' },
];

describe('passesPerExample', () => {
  const cases = inputs.flatMap((strategy) => [0, 0.005].map((gamma) => [strategy, gamma] as const));
  it.each(cases)('is what %j costs with weightPerturbation %d', async (strategy, weightPerturbation) => {
    const input = tinyConfig({ strategy, weightPerturbation, epochs: 1 });
    const { config } = resolveConfig([{ origin: 'test', values: input }]);
    const { model, passes, steps } = await train(input, { data }).result;
    model.dispose();
    const predicted = passesPerExample(config.train.strategy, weightPerturbation > 0);
    expect((passes.forward + passes.backward) / 2).toBe(count * predicted);
    expect(steps).toBe(stepsPerEpoch(config.train, count));
  });

  it.each([0, 0.005])('is what a relay costs but for flights that the end cuts short', async (gamma) => {
    // Batches of 4, each in flight for 4 steps; half of the carried are refreshed.
    const strategy = { name: 'self-gradient', steps: 1, relay: 4, refresh: 0.5 } as const;
    const input = tinyConfig({ strategy, weightPerturbation: gamma, epochs: 2 });
    const { config } = resolveConfig([{ origin: 'test', values: input }]);
    const { model, passes } = await train(input, { data }).result;
    model.dispose();
    const predicted = passesPerExample(config.train.strategy, gamma > 0);
    // The last batches lack 3, 2 and 1 of their carried steps.
    const lacking = 4 * (3 + 2 + 1) * (gamma > 0 ? 2.5 : 1.5);
    expect(passes).toEqual({
      forward: 2 * count * predicted - lacking,
      backward: 2 * count * predicted - lacking,
    });
  });
});
