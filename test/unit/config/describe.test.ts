import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { configJsonSchema, optionRows } from '../../../src/config/describe.ts';
import { presetNames, presetValues } from '../../../src/config/presets.ts';
import { renderConfig } from '../../../src/config/render.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';

/** The exported JSON Schema, compiled by a reader that knows nothing of ours. */
const compiled = z.fromJSONSchema(configJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);

describe('configJsonSchema', () => {
  it.each(presetNames)('accepts the preset %s, by name and by value', (preset) => {
    expect(compiled.safeParse({ preset }).error).toBeUndefined();
    expect(compiled.safeParse(presetValues(preset)).error).toBeUndefined();
  });

  it('accepts a complete configuration', () => {
    const { config } = resolveConfig([{ origin: 'test', values: { train: { strategy: 'pgd' } } }]);
    expect(compiled.safeParse(config).error).toBeUndefined();
  });

  it.each([
    { train: { stepz: 1 } },
    { preset: 'none' },
    { threat: { norm: 'l0' } },
    { evaluate: { attacks: ['transfer'] } },
    { evaluate: { attacks: [{ name: 'transfer', attack: 'pgd' }] } },
    { train: { strategy: 'pdg' } },
    { train: { strategy: { name: 'pgd', initialNoise: 1 } } },
    { seed: 1.5 },
  ])('refuses %j', (values) => {
    expect(compiled.safeParse(values).success).toBe(false);
  });

  it('accepts an attack by its name where the name says all, and with what must be said besides', () => {
    const attacks = ['pgd', 'autoattack', { name: 'transfer', model: 'runs/b' }];
    expect(compiled.safeParse({ evaluate: { attacks } }).error).toBeUndefined();
  });

  it('has a description for every option', () => {
    expect(optionRows().filter(({ description, expected }) => !description || !expected)).toEqual([]);
  });

  it('names defaults that are the defaults', () => {
    const { config } = resolveConfig([]);
    const written = optionRows().reduce<Record<string, unknown>>((values, { path, default: value }) => {
      const keys = path.split('.');
      let group = values;
      for (const key of keys.slice(0, -1)) {
        group[key] ??= {};
        group = group[key] as Record<string, unknown>;
      }
      group[keys.at(-1)!] = value;
      return values;
    }, {});
    expect(resolveConfig([{ origin: 'test', values: written }]).config).toEqual(config);
  });
});

describe('presets', () => {
  it.each(presetNames)('%s resolves', (preset) => {
    const { config } = resolveConfig([{ origin: 'test', values: { preset } }]);
    expect((config.train.epochs === null) !== (config.train.passes === null)).toBe(true);
  });
});

describe('renderConfig', () => {
  it.each(presetNames)('writes %s as YAML that resolves to the same configuration', (preset) => {
    const { config } = resolveConfig([{ origin: 'test', values: { preset } }]);
    const text = renderConfig(config, (path) => path);
    expect(resolveConfig([{ origin: 'file', values: parseYaml(text) }]).config).toEqual(config);
  });

  it('shows radii as fractions, with a comment behind each option', () => {
    const text = renderConfig({ threat: { norm: 'linf', eps: 8 / 255 } }, (path) => `of ${path}`);
    expect(text).toBe('threat:\n  norm: linf  # of threat.norm\n  eps: 8/255  # of threat.eps\n');
  });
});
