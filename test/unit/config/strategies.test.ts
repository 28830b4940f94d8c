import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { fgsmRs } from '../../../src/config/strategies/fgsmRs.ts';
import { pgdTraining } from '../../../src/config/strategies/pgd.ts';
import { selfGradient } from '../../../src/config/strategies/selfGradient.ts';
import { standard } from '../../../src/config/strategies/standard.ts';
import { nativeStrategy, passesPerExample, strategyNames } from '../../../src/config/strategies/strategy.ts';
import { refusal } from './refusal.ts';

const threat = { norm: 'linf', eps: 8 / 255 } as const;

describe('the strategy builders', () => {
  it('agree with the bare names of a configuration', () => {
    const built = [standard(), pgdTraining(), fgsmRs(), selfGradient()];
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
    expect(passesPerExample(selfGradient())).toBe(2);
    expect(passesPerExample(selfGradient({ steps: 0, relay: 3 }))).toBe(3);
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
    expect(refused({ features }, ['input'])).toBe(
      'ERR_OPTION  Expected a tap at stage1, which train.strategy reads, for model.taps but received ["input"] (array).',
    );
  });

  it('must attack where features follow the attack', () => {
    const features = [{ place: 'stem', rho: 0.01 }];
    expect(refused({ features, steps: 0 }, ['input', 'stem'])).toContain('give one, or no features');
  });
});

describe('nativeStrategy', () => {
  it('fills in step sizes that depend on eps', () => {
    expect(nativeStrategy(fgsmRs(), threat)).toMatchObject({ alpha: 10 / 255, attackMode: 'train' });
    expect(nativeStrategy(selfGradient(), threat)).toMatchObject({ alpha: 8 / 255, initialNoise: 1 });
    expect(nativeStrategy(selfGradient({ alpha: '4/255' }), threat)).toMatchObject({ alpha: 4 / 255 });
    expect(nativeStrategy(pgdTraining(), threat)).toEqual(pgdTraining());
    expect(nativeStrategy(standard(), threat)).toEqual({ name: 'standard' });
  });
});
