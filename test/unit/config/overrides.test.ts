import { describe, expect, it } from 'vitest';
import { environmentLayers } from '../../../src/config/environment.ts';
import { parseOverride } from '../../../src/config/overrides.ts';
import { refusal } from './refusal.ts';

describe('parseOverride', () => {
  it.each<[string, unknown]>([
    ['seed=3', { seed: 3 }],
    ['train.lr=5e-2', { train: { lr: 0.05 } }],
    ['threat.eps=8/255', { threat: { eps: '8/255' } }],
    ['train.flip=false', { train: { flip: false } }],
    ['train.passes=null', { train: { passes: null } }],
    ['model.depths=[2, 2]', { model: { depths: [2, 2] } }],
    ['train.strategy={name: pgd, steps: 7}', { train: { strategy: { name: 'pgd', steps: 7 } } }],
    ['data.path=/a=b/c', { data: { path: '/a=b/c' } }],
  ])('reads %s', (argument, values) => {
    expect(parseOverride(argument)).toEqual({ origin: argument, values });
  });

  it.each(['quickstart', '=3', '.lr=3', 'train..lr=3', 'train.__proto__.x=3', 'train.attacks[0]=3'])(
    'refuses %s',
    (argument) => {
      expect(refusal(() => parseOverride(argument))).toBe(
        `ERR_OPTION  Expected key=value for an argument but received '${argument}' (string). Write for example train.lr=0.05; selfgrad config print lists the keys.`,
      );
    },
  );

  it('refuses what is not YAML', () => {
    expect(refusal(() => parseOverride('model.depths=[1, 2'))).toBe(
      "ERR_OPTION  Expected a YAML value for model.depths but received '[1, 2' (string). Quote it for the shell, and write lists as [a, b].",
    );
  });
});

describe('environmentLayers', () => {
  it('turns SELFGRAD__GROUP__WORD_WORD into group.wordWord', () => {
    expect(
      environmentLayers({
        SELFGRAD__TRAIN__BATCH_SIZE: '64',
        SELFGRAD__SEED: '7',
        SELFGRAD__THREAT__EPS: '4/255',
        SELFGRAD_CACHE: '/cache',
        SELFGRAD_DEBUG: '1',
        HOME: '/home',
      }),
    ).toEqual([
      { origin: 'environment SELFGRAD__SEED', values: { seed: 7 } },
      { origin: 'environment SELFGRAD__THREAT__EPS', values: { threat: { eps: '4/255' } } },
      { origin: 'environment SELFGRAD__TRAIN__BATCH_SIZE', values: { train: { batchSize: 64 } } },
    ]);
  });
});
