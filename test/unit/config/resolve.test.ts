import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../../src/config/config.ts';
import { leafPaths, resolveConfig } from '../../../src/config/resolve.ts';
import { resolveEpochs } from '../../../src/config/train.ts';

const layer = (origin: string, values: ConfigInput) => ({ origin, values });

describe('resolveConfig', () => {
  it('fills in every default', () => {
    const { config, origins } = resolveConfig([]);
    expect(config).toMatchInlineSnapshot(`
      {
        "data": {
          "cache": true,
          "drawSeed": 0,
          "images": null,
          "labels": null,
          "layout": null,
          "outside": false,
          "path": null,
          "pick": "first",
          "size": null,
          "source": "fashion-mnist-mini",
          "storage": "auto",
          "testCount": null,
          "trainCount": null,
          "validation": null,
        },
        "device": "auto",
        "evaluate": {
          "attacks": [
            {
              "alpha": null,
              "eot": 1,
              "eps": null,
              "loss": "ce",
              "name": "pgd",
              "norm": null,
              "precision": "float32",
              "randomStart": true,
              "restarts": 1,
              "steps": 20,
              "target": null,
            },
            {
              "alpha": null,
              "confidence": 0,
              "eot": 1,
              "eps": null,
              "name": "cw-linf",
              "precision": "float32",
              "randomStart": true,
              "restarts": 1,
              "steps": 20,
              "target": null,
            },
          ],
          "batchSize": 200,
          "cascade": false,
          "count": null,
          "epsCurve": {
            "count": 500,
            "points": null,
          },
          "examples": 12,
          "saveEvery": 1000,
          "shard": null,
        },
        "masking": {
          "apgdSteps": 100,
          "batchSize": 100,
          "count": 200,
          "points": 100,
          "queries": 1000,
          "steps": 20,
        },
        "model": {
          "activation": "relu",
          "architecture": "preact-resnet",
          "depths": [
            1,
            1,
            1,
          ],
          "layers": null,
          "mean": "data",
          "std": "data",
          "taps": [
            "input",
          ],
          "width": 16,
        },
        "seed": 0,
        "stability": {
          "alpha": null,
          "batchSize": 100,
          "certify": {
            "bisections": 10,
            "count": 100,
            "refine": 512,
          },
          "count": 500,
          "iterations": 20,
          "multiples": [
            0,
            0.25,
            0.5,
            0.75,
            1,
            1.5,
            2,
          ],
          "randomPoints": 4,
          "steps": 10,
        },
        "threads": "auto",
        "threat": {
          "eps": 0.03137254901960784,
          "norm": "linf",
        },
        "train": {
          "averageDecay": 0,
          "batchSize": 128,
          "checkpoint": {
            "every": 1,
          },
          "classWeights": null,
          "crop": 4,
          "epochs": 10,
          "flip": true,
          "labelSmoothing": 0,
          "lr": 0.1,
          "momentum": 0.9,
          "nesterov": true,
          "passes": null,
          "precision": "float32",
          "schedule": {
            "finalFraction": 0,
            "name": "one-cycle",
            "warmup": 0.3,
          },
          "strategy": {
            "adaptiveStep": false,
            "alarm": false,
            "alpha": null,
            "attackMode": "train",
            "consistency": 0,
            "features": [],
            "freshWeight": 0.3,
            "initialNoise": 1,
            "memory": "example",
            "momentum": 0,
            "name": "self-gradient",
            "noise": 0,
            "refresh": 0,
            "relay": 2,
            "steps": 0,
          },
          "validate": {
            "attack": {
              "alpha": null,
              "eot": 1,
              "eps": null,
              "loss": "ce",
              "name": "pgd",
              "norm": null,
              "precision": "float32",
              "randomStart": true,
              "restarts": 1,
              "steps": 10,
              "target": null,
            },
            "count": 500,
            "every": 1,
          },
          "weightDecay": 0.0005,
          "weightPerturbation": 0,
        },
      }
    `);
    expect(origins.size).toBe(0);
  });

  it('gives a complete configuration back unchanged', () => {
    const { config } = resolveConfig([layer('a', { preset: 'cifar10-small' })]);
    expect(resolveConfig([{ origin: 'b', values: config }]).config).toEqual(config);
  });

  it('lets a later layer win, over the preset and the defaults', () => {
    const { config, origins } = resolveConfig([
      layer('a.yaml', { seed: 1, train: { lr: 0.2, batchSize: 64 } }),
      layer('b.yaml', { train: { lr: 0.3 } }),
      layer('--preset', { preset: 'cifar10-small' }),
      layer('--seed', { seed: 2 }),
    ]);
    expect(config).toMatchObject({
      seed: 2,
      train: { lr: 0.3, batchSize: 64, precision: 'bfloat16', momentum: 0.9 },
    });
    expect(origins.get('seed')).toBe('--seed');
    expect(origins.get('train.lr')).toBe('b.yaml');
    expect(origins.get('train.batchSize')).toBe('a.yaml');
    expect(origins.get('train.precision')).toBe('preset cifar10-small');
    expect(origins.has('train.momentum')).toBe(false);
  });

  it('takes the preset that the strongest layer names', () => {
    const { config } = resolveConfig([
      layer('file', { preset: 'quickstart' }),
      layer('--preset', { preset: 'cifar10-resnet18' }),
    ]);
    expect(config.model.depths).toEqual([2, 2, 2, 2]);
    expect(config.data.source).toBe('cifar10');
  });

  it('knows the origin only of options that exist', () => {
    const { config, origins } = resolveConfig([
      layer('a', { preset: 'cifar10-small' }),
      layer('b', {
        train: { strategy: 'pgd', schedule: { name: 'constant' } },
        evaluate: { epsCurve: null },
      }),
    ]);
    const paths = new Set(leafPaths(config));
    expect([...origins.keys()].filter((path) => !paths.has(path))).toEqual([]);
  });

  it('drops the options of a strategy that another one replaces', () => {
    const { config, origins } = resolveConfig([
      layer('a', { train: { strategy: { name: 'self-gradient', alpha: 0.01, initialNoise: 0.5 } } }),
      layer('b', { train: { strategy: 'pgd' } }),
    ]);
    expect(config.train.strategy).toEqual({
      name: 'pgd',
      alpha: 2 / 255,
      steps: 10,
      randomStart: true,
      attackMode: 'eval',
    });
    expect(origins.has('train.strategy.alpha')).toBe(false);
  });

  it('keeps the options of a strategy that is named again', () => {
    const { config } = resolveConfig([
      layer('a', { train: { strategy: { name: 'pgd', steps: 3 } } }),
      layer('b', { train: { strategy: { name: 'pgd', alpha: '4/255' } } }),
    ]);
    expect(config.train.strategy).toMatchObject({ steps: 3, alpha: 4 / 255 });
  });

  it('refines the strategy below without naming it', () => {
    const values = { train: { strategy: { alpha: '4/255' } } };
    expect(resolveConfig([{ origin: 'a', values }]).config.train.strategy).toMatchObject({
      name: 'self-gradient',
      alpha: 4 / 255,
    });
  });

  it('lets a length in epochs take back one in passes, and the reverse', () => {
    const epochs = resolveConfig([
      layer('a', { train: { passes: 12 } }),
      layer('b', { train: { epochs: 3 } }),
    ]);
    expect(epochs.config.train).toMatchObject({ epochs: 3, passes: null });
    const passes = resolveConfig([
      layer('a', { train: { epochs: 3 } }),
      layer('b', { train: { passes: 12 } }),
    ]);
    expect(passes.config.train).toMatchObject({ epochs: null, passes: 12 });
    expect(passes.origins.get('train.epochs')).toBe('b');
  });

  it('chooses the attacks by the norm when none are given', () => {
    const names = (values: ConfigInput) =>
      resolveConfig([layer('a', values)]).config.evaluate.attacks.map(({ name }) => name);
    expect(names({})).toEqual(['pgd', 'cw-linf']);
    expect(names({ threat: { norm: 'l2', eps: 0.5 } })).toEqual(['pgd', 'cw-l2']);
    expect(names({ evaluate: { attacks: ['fgsm'] } })).toEqual(['fgsm']);
  });

  it('allows an l2 radius above 1, and eps 0 in an attack', () => {
    const { config } = resolveConfig([
      layer('a', { threat: { norm: 'l2', eps: 2 }, evaluate: { attacks: [{ name: 'pgd', eps: 0 }] } }),
    ]);
    expect(config.threat.eps).toBe(2);
    expect(config.evaluate.attacks[0]).toMatchObject({ eps: 0 });
  });

  it('leaves its layers as they are', () => {
    const values = { train: { strategy: { name: 'pgd' as const } }, evaluate: { attacks: ['pgd' as const] } };
    const before = structuredClone(values);
    resolveConfig([layer('a', values), layer('b', { train: { strategy: { name: 'pgd', steps: 2 } } })]);
    expect(values).toEqual(before);
  });
});

describe('resolveEpochs', () => {
  it.each([
    ['standard', 12],
    ['pgd', 12 / 11],
    ['fgsm-rs', 6],
    ['self-gradient', 6],
  ] as const)('divides 12 passes by what %s spends', (strategy, epochs) => {
    const { config } = resolveConfig([layer('a', { train: { strategy, passes: 12 } })]);
    expect(resolveEpochs(config.train)).toBe(epochs);
  });

  it('takes epochs as they are', () => {
    const { config } = resolveConfig([layer('a', { train: { epochs: 1.25 } })]);
    expect(resolveEpochs(config.train)).toBe(1.25);
  });
});
