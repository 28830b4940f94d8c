/** Every sentence that a wrong option is answered with, in full. */
import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { refusal } from './refusal.ts';

const resolve = (values: unknown) => refusal(() => resolveConfig([{ origin: 'test', values }]));

describe('a wrong option', () => {
  it.each<[unknown, string]>([
    [
      { threat: { eps: 8 } },
      'ERR_OPTION  Expected a number in (0, 1] for threat.eps but received 8 (number). Pixels are in [0, 1]: write 8/255.',
    ],
    [
      { threat: { eps: 300 } },
      'ERR_OPTION  Expected a number in (0, 1] for threat.eps but received 300 (number). Pixels are in [0, 1]: write 8/255.',
    ],
    [
      { threat: { eps: 0 } },
      'ERR_OPTION  Expected a number or fraction > 0 for threat.eps but received 0 (number). Pixels are in [0, 1]: write 8/255.',
    ],
    [
      { threat: { eps: '8/0' } },
      "ERR_OPTION  Expected a number or fraction > 0 for threat.eps but received '8/0' (string). Pixels are in [0, 1]: write 8/255.",
    ],
    [
      { threat: { norm: 'l0' } },
      "ERR_OPTION  Expected linf, l2 or l1 for threat.norm but received 'l0' (string). Did you mean l2?",
    ],
    [{ trian: {} }, 'ERR_OPTION  Unknown option trian. Did you mean train?'],
    [
      { train: { batchsize: 64 } },
      'ERR_OPTION  Unknown option train.batchsize. Did you mean train.batchSize?',
    ],
    [{ train: { eps: 0.1 } }, 'ERR_OPTION  Unknown option train.eps. Did you mean threat.eps?'],
    [
      { train: { strategy: { name: 'pgd', initialNoise: 1 } } },
      'ERR_OPTION  Unknown option train.strategy.initialNoise. Known here: name, alpha, steps, randomStart, attackMode.',
    ],
    [
      { evaluate: { attacks: ['pgd', { name: 'pgd', step: 3 }] } },
      'ERR_OPTION  Unknown option evaluate.attacks[1].step. Did you mean evaluate.attacks[1].steps?',
    ],
    [
      { train: { strategy: 'pdg' } },
      "ERR_OPTION  Expected standard, pgd, fgsm-rs, n-fgsm, free, gradalign, atta, trades, mart or self-gradient for train.strategy.name but received 'pdg' (string). Did you mean pgd?",
    ],
    [
      { train: { strategy: 7 } },
      'ERR_OPTION  Expected standard, pgd, fgsm-rs, n-fgsm, free, gradalign, atta, trades, mart or self-gradient for train.strategy but received 7 (number).',
    ],
    [
      { evaluate: { attacks: [] } },
      'ERR_OPTION  Expected a list of attacks for evaluate.attacks but received [] (array).',
    ],
    [
      { evaluate: { attacks: [{ name: 'pgd', eps: 8 }] } },
      'ERR_OPTION  Expected a number in [0, 1] for evaluate.attacks[0].eps but received 8 (number). Pixels are in [0, 1]: write 8/255.',
    ],
    [
      { evaluate: { attacks: ['cw-l2'] } },
      'ERR_OPTION  Expected a number (an l2 radius) for evaluate.attacks[0].eps but received null. The threat model is linf: give this attack its own radius, or choose an linf attack.',
    ],
    [
      { evaluate: { epsCurve: { points: ['8/255', '4/255'] } } },
      'ERR_OPTION  Expected a list of ascending radii for evaluate.epsCurve.points but received [0.03137254901960784,0.01568627450980392] (array).',
    ],
    [
      { train: { epochs: 6, passes: 12 } },
      'ERR_OPTION  Expected a number for train.epochs or train.passes but received both (6 and 12). Set one to null.',
    ],
    [
      { train: { epochs: null } },
      'ERR_OPTION  Expected a number for train.epochs or train.passes but received null for both.',
    ],
    [
      { train: { epochs: -1 } },
      'ERR_OPTION  Expected a number > 0 for train.epochs but received -1 (number).',
    ],
    [
      { train: { batchSize: 1.5 } },
      'ERR_OPTION  Expected an integer >= 1 for train.batchSize but received 1.5 (number).',
    ],
    [{ train: { lr: '0.1' } }, "ERR_OPTION  Expected a number > 0 for train.lr but received '0.1' (string)."],
    [
      { train: { momentum: 0 } },
      'ERR_OPTION  Expected a number in (0, 1) for train.momentum but received 0 (number). Nesterov needs momentum: set nesterov to false.',
    ],
    [
      { train: { flip: 'yes' } },
      "ERR_OPTION  Expected true or false for train.flip but received 'yes' (string).",
    ],
    [
      { train: { schedule: { name: 'step', milestones: [0.5, 0.25] } } },
      'ERR_OPTION  Expected a list of ascending numbers in (0, 1) for train.schedule.milestones but received [0.5,0.25] (array).',
    ],
    [{ seed: Number.NaN }, 'ERR_OPTION  Expected an integer >= 0 for seed but received NaN (number).'],
    [
      { seed: 2 ** 53 },
      'ERR_OPTION  Expected an integer >= 0 for seed but received 9007199254740992 (number).',
    ],
    [{ threads: 0 }, 'ERR_OPTION  Expected an integer in [1, 1024] for threads but received 0 (number).'],
    [
      { threads: 'all' },
      "ERR_OPTION  Expected auto or an integer in [1, 1024] for threads but received 'all' (string).",
    ],
    [
      { model: { mean: 0.5 } },
      'ERR_OPTION  Expected data or a list of numbers in [0, 1], one a channel for model.mean but received 0.5 (number).',
    ],
    [
      { device: 'gpu' },
      "ERR_OPTION  Expected auto, cpu or cuda:N for device but received 'gpu' (string). Write cuda:0.",
    ],
    [
      { data: { size: [32] } },
      'ERR_OPTION  Expected a height and a width, [H, W] for data.size but received [32] (array).',
    ],
    [
      { model: { taps: ['output'] } },
      "ERR_OPTION  Expected input, stem or stageN for model.taps[0] but received 'output' (string).",
    ],
    [
      { model: { depths: [] } },
      'ERR_OPTION  Expected a list of block counts, one a stage for model.depths but received [] (array).',
    ],
    [{ model: { std: [0] } }, 'ERR_OPTION  Expected a number > 0 for model.std[0] but received 0 (number).'],
    [{ model: null }, 'ERR_OPTION  Expected a group of options for model but received null.'],
    [{ train: 5 }, 'ERR_OPTION  Expected a group of options for train but received 5 (number).'],
    [
      { preset: 'cifar' },
      "ERR_OPTION  Expected quickstart, cifar10-small, cifar10-resnet18 or imagenette-like-224 for preset but received 'cifar' (string). Did you mean cifar10-small?",
    ],
    ['train', "ERR_OPTION  Expected a group of options from test but received 'train' (string)."],
  ])('%j', (values, sentence) => {
    expect(resolve(values)).toBe(sentence);
  });

  it('is reported together with all others, one a line', () => {
    expect(resolve({ seed: -1, train: { lr: 0 } })).toBe(
      'ERR_OPTION  Expected an integer >= 0 for seed but received -1 (number).\n' +
        'Expected a number > 0 for train.lr but received 0 (number).',
    );
  });

  it('cannot reach the prototype of the configuration', () => {
    expect(resolve(JSON.parse('{ "train": { "__proto__": { "lr": 1 } } }'))).toBe(
      'ERR_OPTION  Unknown option train.__proto__.',
    );
    expect(resolve(JSON.parse('{ "constructor": 1 }'))).toMatch(
      /^ERR_OPTION {2}Unknown option constructor\./,
    );
    expect(({} as { lr?: number }).lr).toBeUndefined();
  });
});
