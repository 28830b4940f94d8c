import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { atta } from '../../../src/config/strategies/atta.ts';
import { fgsmRs } from '../../../src/config/strategies/fgsmRs.ts';
import { freeTraining } from '../../../src/config/strategies/free.ts';
import { gradalign } from '../../../src/config/strategies/gradalign.ts';
import { mart } from '../../../src/config/strategies/mart.ts';
import { nFgsm } from '../../../src/config/strategies/nFgsm.ts';
import { pgdTraining } from '../../../src/config/strategies/pgd.ts';
import { selfGradient } from '../../../src/config/strategies/selfGradient.ts';
import { standard } from '../../../src/config/strategies/standard.ts';
import { nativeStrategy, passesPerExample, strategyNames } from '../../../src/config/strategies/strategy.ts';
import { trades } from '../../../src/config/strategies/trades.ts';
import { stepsPerEpoch } from '../../../src/config/train.ts';
import { refusal } from './refusal.ts';

const threat = { norm: 'linf', eps: 8 / 255 } as const;

describe('the strategy builders', () => {
  it('agree with the bare names of a configuration', () => {
    const built = [
      standard(),
      pgdTraining(),
      fgsmRs(),
      nFgsm(),
      freeTraining(),
      gradalign(),
      atta(),
      trades(),
      mart(),
      selfGradient(),
    ];
    expect(built.map(({ name }) => name)).toEqual(strategyNames);
    for (const strategy of built) {
      const { config } = resolveConfig([{ origin: 'test', values: { train: { strategy: strategy.name } } }]);
      expect(config.train.strategy).toEqual(strategy);
    }
  });

  it('read fractions and name themselves in errors', () => {
    expect(pgdTraining({ alpha: '2/255', steps: 7 })).toMatchObject({ alpha: 2 / 255, steps: 7 });
    expect(refusal(() => selfGradient({ initialNoise: 2 }))).toBe(
      'ERR_OPTION  Expected a number in [0, 1] for selfGradient.initialNoise but received 2 (number).',
    );
    expect(refusal(() => fgsmRs({ alpha: 0 }))).toBe(
      "ERR_OPTION  Expected a number or fraction > 0 for fgsmRs.alpha but received 0 (number). Write 0.03 or '8/255'.",
    );
  });
});

describe('passesPerExample', () => {
  it('counts the attack and the update', () => {
    expect(passesPerExample(standard())).toBe(1);
    expect(passesPerExample(pgdTraining({ steps: 10 }))).toBe(11);
    expect(passesPerExample(fgsmRs())).toBe(2);
    expect(passesPerExample(nFgsm())).toBe(2);
    expect(passesPerExample(freeTraining({ replays: 8 }))).toBe(8);
    expect(passesPerExample(gradalign())).toBe(4);
    expect(passesPerExample(atta({ steps: 3 }))).toBe(4);
    expect(passesPerExample(trades())).toBe(12.5);
    expect(passesPerExample(mart())).toBe(12);
    expect(passesPerExample(selfGradient())).toBe(2);
    expect(passesPerExample(selfGradient({ steps: 1, relay: 3 }))).toBe(4);
    expect(passesPerExample(selfGradient({ steps: 2, relay: 3, refresh: 0.25 }))).toBe(5.5);
  });

  it('counts the training passes once more when weights are perturbed', () => {
    expect(passesPerExample(pgdTraining({ steps: 10 }), true)).toBe(12);
    expect(passesPerExample(selfGradient({ steps: 1, relay: 3 }), true)).toBe(7);
  });
});

describe('a configuration with self-gradient taps', () => {
  const refused = (strategy: object, taps: string[]) =>
    refusal(() =>
      resolveConfig([
        {
          origin: 'test',
          values: { model: { taps }, train: { strategy: { name: 'self-gradient', ...strategy } } },
        },
      ]),
    );

  it('must have a tap at each place that the strategy reads', () => {
    const features = [{ place: 'stage1', rho: 0.01 }];
    expect(refused({}, [])).toBe(
      'ERR_OPTION  Expected a tap at input, which train.strategy reads, for model.taps but received [] (array).',
    );
    expect(refused({ features, steps: 1 }, ['input'])).toBe(
      'ERR_OPTION  Expected a tap at stage1, which train.strategy reads, for model.taps but received ["input"] (array).',
    );
  });

  it('must attack where features follow the attack', () => {
    const features = [{ place: 'stem', rho: 0.01 }];
    expect(refused({ features, steps: 0 }, ['input', 'stem'])).toContain('give one, or no features');
  });
});

describe('stepsPerEpoch', () => {
  it('counts each replay of a batch', () => {
    expect(stepsPerEpoch({ batchSize: 16, strategy: fgsmRs() }, 72)).toBe(5);
    expect(stepsPerEpoch({ batchSize: 16, strategy: freeTraining({ replays: 3 }) }, 72)).toBe(15);
  });
});

describe('nativeStrategy', () => {
  it('fills in step sizes that depend on eps', () => {
    expect(nativeStrategy(fgsmRs(), threat)).toMatchObject({ alpha: 10 / 255, attackMode: 'train' });
    expect(nativeStrategy(selfGradient(), threat)).toMatchObject({ alpha: 8 / 255, initialNoise: 1 });
    expect(nativeStrategy(nFgsm(), threat)).toMatchObject({ alpha: 8 / 255, noise: 2 });
    expect(nativeStrategy(freeTraining(), threat)).toMatchObject({ alpha: 8 / 255, replays: 4 });
    expect(nativeStrategy(gradalign(), threat)).toMatchObject({ alpha: 8 / 255, lambda: 0.2 });
    expect(nativeStrategy(atta(), threat)).toMatchObject({ alpha: 4 / 255, resetEvery: 10 });
    expect(nativeStrategy(trades(), threat)).toMatchObject({ alpha: 2 / 255, beta: 6, attackMode: 'eval' });
    expect(nativeStrategy(mart(), threat)).toMatchObject({ alpha: 2 / 255, beta: 5, attackMode: 'eval' });
    expect(nativeStrategy(selfGradient({ alpha: '4/255' }), threat)).toMatchObject({ alpha: 4 / 255 });
    expect(nativeStrategy(pgdTraining(), threat)).toEqual(pgdTraining());
    expect(nativeStrategy(standard(), threat)).toEqual({ name: 'standard' });
  });
});
