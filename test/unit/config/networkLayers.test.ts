import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { configJsonSchema } from '../../../src/config/describe.ts';
import { tapPlaces } from '../../../src/config/model.ts';
import { layersText } from '../../../src/config/networkLayers.ts';
import { renderConfig } from '../../../src/config/render.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { refusal } from './refusal.ts';

const config = (values: object) => resolveConfig([{ origin: 'test', values }]).config;
const listed = (layers: unknown) => config({ model: { architecture: 'layers', layers } });

/** Every kind of layer, each with as little as it may have. */
const shortest = [
  { name: 'conv', channels: 8 },
  'norm-activation',
  'max-pool',
  { name: 'tap', place: 'middle' },
  { name: 'residual', channels: 16 },
  { name: 'bottleneck', channels: 16 },
  'average-pool',
  'activation',
  'global-average-pool',
  'linear',
];

describe('model.layers', () => {
  it('fills in the defaults of each layer', () => {
    const { model } = listed(shortest);
    expect(model.layers).toEqual([
      { name: 'conv', channels: 8, kernel: 3, stride: 1, padding: null, groups: 1, bias: false },
      { name: 'norm-activation' },
      { name: 'max-pool', kernel: 2, stride: null, padding: 0 },
      { name: 'tap', place: 'middle' },
      { name: 'residual', channels: 16, blocks: 1, stride: 1 },
      { name: 'bottleneck', channels: 16, blocks: 1, stride: 1 },
      { name: 'average-pool', kernel: 2, stride: null, padding: 0 },
      { name: 'activation' },
      { name: 'global-average-pool' },
      { name: 'linear', features: null },
    ]);
    expect(layersText(model.layers)).toBe(
      'conv channels=8 kernel=3 stride=1 padding=1 groups=1 bias=0; norm-activation; max-pool kernel=2 stride=2 padding=0; tap place=middle; residual channels=16 blocks=1 stride=1; bottleneck channels=16 blocks=1 stride=1; average-pool kernel=2 stride=2 padding=0; activation; global-average-pool; linear features=0',
    );
    expect(tapPlaces(model)).toEqual(['input', 'middle']);
  });

  it('is text that the core reads, whatever is given', () => {
    const layers = [
      { name: 'conv', channels: 8, kernel: 7, stride: 2, padding: 0, groups: 4, bias: true },
      { name: 'linear', features: 5 },
    ];
    expect(layersText(listed(layers).model.layers)).toBe(
      'conv channels=8 kernel=7 stride=2 padding=0 groups=4 bias=1; linear features=5',
    );
    expect(layersText(null)).toBe('');
  });

  it('is known to the JSON Schema, and survives being written as YAML', () => {
    const compiled = z.fromJSONSchema(configJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);
    const values = (layers: unknown) => ({ model: { architecture: 'layers', layers } });
    expect(compiled.safeParse(values(shortest)).error).toBeUndefined();
    expect(compiled.safeParse(values(['linaer'])).success).toBe(false);
    expect(compiled.safeParse(values([{ name: 'conv', channels: 8, kernal: 3 }])).success).toBe(false);
    const whole = listed(shortest);
    expect(config(parseYaml(renderConfig(whole, (path) => path)))).toEqual(whole);
  });

  it('gives its taps to the strategy', () => {
    const features = [{ place: 'middle', rho: 0.1 }];
    const train = { strategy: { name: 'self-gradient', steps: 1, features } };
    const model = { architecture: 'layers', layers: shortest };
    expect(config({ model, train }).train.strategy).toMatchObject({ features });
    const other = { strategy: { name: 'self-gradient', steps: 1, features: [{ place: 'end', rho: 0.1 }] } };
    expect(refusal(() => config({ model, train: other }))).toBe(
      'ERR_OPTION  Expected a tap at end, which train.strategy reads, for model.taps but received ["input","middle"] (array). Add { name: tap, place: end } to model.layers.',
    );
  });

  it.each<[unknown, string]>([
    [
      ['linaer'],
      "ERR_OPTION  Expected conv, norm-activation, activation, residual, bottleneck, max-pool, average-pool, global-average-pool, linear or tap for model.layers[0].name but received 'linaer' (string). Did you mean linear?",
    ],
    [
      ['linear', { name: 'conv', channels: 8, kernal: 3 }],
      'ERR_OPTION  Unknown option model.layers[1].kernal. Did you mean model.layers[1].kernel?',
    ],
    [
      ['conv'],
      'ERR_OPTION  Expected an integer in [1, 65536] for model.layers[0].channels but received nothing.',
    ],
    [
      [{ name: 'conv', channels: 8, kernel: 65 }],
      'ERR_OPTION  Expected an integer in [1, 64] for model.layers[0].kernel but received 65 (number).',
    ],
    [
      [{ name: 'bottleneck', channels: 2 }],
      'ERR_OPTION  Expected an integer in [4, 65536] for model.layers[0].channels but received 2 (number).',
    ],
    [
      [{ name: 'tap', place: 'input' }],
      "ERR_OPTION  Expected a name of 1 to 64 letters and digits other than input for model.layers[0].place but received 'input' (string).",
    ],
    [[], 'ERR_OPTION  Expected a list of 1 to 256 layers for model.layers but received [] (array).'],
    [
      null,
      'ERR_OPTION  Expected a list of layers for model.layers but received null. The architecture layers has no network but the one that is listed.',
    ],
  ])('refuses %j', (layers, sentence) => {
    expect(refusal(() => listed(layers))).toBe(sentence);
  });

  it('is refused beside another architecture', () => {
    expect(refusal(() => config({ model: { layers: ['linear'] } }))).toBe(
      'ERR_OPTION  Expected null for model.layers but received [{"name":"linear","features":null}] (array). Write model.architecture=layers: preact-resnet has layers of its own.',
    );
  });
});
