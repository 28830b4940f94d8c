/** Lays configuration sources over each other and remembers which one gave each value. */
import { SelfgradError } from '../errors.ts';
import { joinPath, show, withName } from './option.ts';

/** One source of values; `origin` names it for people, e.g. `train.yaml` or `--seed`. */
export interface Layer {
  origin: string;
  values: unknown;
}

type Group = Record<string, unknown>;

/** True for a plain group of options: not null, not a list. */
export function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A run has one length: giving it in epochs takes back an earlier one in passes, and the reverse. */
const rivals = new Map([
  ['train.epochs', 'passes'],
  ['train.passes', 'epochs'],
]);

/** Lists for which one entry may stand alone. */
const listOptions = new Set(['evaluate.attacks']);

function inList(value: unknown): unknown {
  return value === null || Array.isArray(value) ? value : [value];
}

function forget(origins: Map<string, string>, path: string): void {
  for (const known of origins.keys())
    if (known === path || known.startsWith(`${path}.`)) origins.delete(known);
}

function lay(base: Group, over: Group, origin: string, path: string[], origins: Map<string, string>): void {
  for (const [key, given] of Object.entries(over)) {
    const here = [...path, key];
    const name = joinPath(here);
    // `base` is a plain object: assigning this key would change its prototype, not set an option.
    if (key === '__proto__') throw new SelfgradError('ERR_OPTION', `Unknown option ${name}.`);
    if (given === undefined) continue;
    const below = Object.hasOwn(base, key) ? base[key] : undefined;
    const entry = isGroup(below) && 'name' in below ? withName(given) : given;
    const value = listOptions.has(name) ? inList(entry) : entry;
    const renamed =
      isGroup(below) && isGroup(value) && 'name' in value && 'name' in below && value.name !== below.name;
    if (isGroup(below) && isGroup(value) && !renamed) {
      lay(below, value, origin, here, origins);
      continue;
    }
    const rival = rivals.get(name);
    if (rival !== undefined && value !== null && (over[rival] ?? null) === null) {
      base[rival] = null;
      origins.set(joinPath([...path, rival]), origin);
    }
    forget(origins, name);
    base[key] = {};
    if (isGroup(value)) lay(base[key] as Group, value, origin, here, origins);
    else {
      base[key] = structuredClone(value);
      origins.set(name, origin);
    }
  }
}

/**
 * `layers` over `defaults`, later ones on top. A group with another `name` replaces the whole group below it,
 * since the options of one strategy mean nothing to another.
 *
 * @returns the merged values and the origin of each that is not a default, by path
 * @throws SelfgradError `ERR_OPTION` when a layer is not a group
 */
export function layOver(
  defaults: Group,
  layers: readonly Layer[],
): { values: Group; origins: Map<string, string> } {
  const values = structuredClone(defaults);
  const origins = new Map<string, string>();
  for (const { origin, values: over } of layers) {
    if (!isGroup(over)) {
      throw new SelfgradError(
        'ERR_OPTION',
        `Expected a group of options from ${origin} but received ${show(over)}.`,
      );
    }
    lay(values, over, origin, [], origins);
  }
  return { values, origins };
}
