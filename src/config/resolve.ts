/** Turns what users wrote into one complete, checked configuration. */
import { defaultAttacks, nativeAttack, nativeAttacks } from './attacks/attack.ts';
import { type Config, configSchema } from './config.ts';
import { isGroup, type Layer, layOver } from './layers.ts';
import { parse } from './option.ts';
import { presetValues } from './presets.ts';

export interface ResolvedConfig {
  config: Config;
  /** Who gave each value, by path; what is missing here is a default. */
  origins: Map<string, string>;
}

/** Paths of all options of a complete configuration, lists and nulls included. */
export function leafPaths(value: unknown, path = ''): string[] {
  if (!isGroup(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leafPaths(inner, path ? `${path}.${key}` : key));
}

/** The layers without their `preset` keys, under the preset that the last of them names. */
function withPreset(layers: readonly Layer[]): Layer[] {
  let preset: unknown;
  const rest = layers.map(({ origin, values }) => {
    if (!isGroup(values) || !Object.hasOwn(values, 'preset')) return { origin, values };
    const { preset: name, ...others } = values;
    preset = name ?? preset;
    return { origin, values: others };
  });
  return preset === undefined
    ? rest
    : [{ origin: `preset ${String(preset)}`, values: presetValues(preset) }, ...rest];
}

/**
 * Resolves layers, weakest first: a preset that any of them names, then each in turn.
 *
 * @throws SelfgradError `ERR_OPTION`, one sentence a line
 */
export function resolveConfig(layers: readonly Layer[]): ResolvedConfig {
  const defaults = parse(configSchema, {});
  const { values, origins } = layOver({ ...defaults }, withPreset(layers));
  const checked = parse(configSchema, values, '', leafPaths(defaults));
  const config: Config = {
    ...checked,
    evaluate: {
      ...checked.evaluate,
      attacks: checked.evaluate.attacks ?? defaultAttacks(checked.threat.norm),
    },
  };
  config.evaluate.attacks.forEach((attack, i) => {
    nativeAttacks(attack, config.threat, `evaluate.attacks[${i}]`);
  });
  // Nothing is trained in L1, so nothing is validated there.
  if (config.threat.norm !== 'l1') {
    nativeAttack(config.train.validate.attack, config.threat, 'train.validate.attack');
  }
  return { config, origins };
}
