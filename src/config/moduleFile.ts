/**
 * Configuration files that are programs: TypeScript or JavaScript whose default export is the configuration. Reading
 * one runs it.
 */
import { pathToFileURL } from 'node:url';
import { SelfgradError } from '../errors.ts';
import type { ConfigInput } from './config.ts';
import { isGroup } from './layers.ts';
import { joinPath, show } from './option.ts';

/** Whether a file of this name is run rather than parsed. */
export function isModuleFile(path: string): boolean {
  return /\.m?[jt]s$/i.test(path);
}

/**
 * Returns its argument: an editor then knows the options of a configuration file in TypeScript.
 *
 * @example
 * export default defineConfig({ preset: 'quickstart', train: { strategy: pgdTraining({ steps: 7 }) } });
 */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}

/** What a program left in place of a plain value, with its path; null where there is none. */
function foreignValue(
  value: unknown,
  path: readonly PropertyKey[],
  above: readonly unknown[],
): string | null {
  const refused = (what: string) => `${what} at ${joinPath(path) || 'the top'}`;
  switch (typeof value) {
    case 'function':
    case 'symbol':
    case 'bigint':
      return refused(`a ${typeof value}`);
    case 'object': {
      if (value === null) return null;
      const prototype = Object.getPrototypeOf(value);
      if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null)
        return refused(`a ${value.constructor?.name ?? 'class instance'}`);
      if (above.includes(value)) return refused('a group that contains itself');
      for (const [key, inner] of Object.entries(value)) {
        const step = Array.isArray(value) ? Number(key) : key;
        const found = foreignValue(inner, [...path, step], [...above, value]);
        if (found !== null) return found;
      }
      return null;
    }
    default:
      return null;
  }
}

/**
 * The default export of a TypeScript or JavaScript file, which is run for it. What it imports is found from its own
 * folder; `selfgrad` is this package.
 *
 * @throws SelfgradError `ERR_CONFIG` when the file cannot be run, throws, or exports no group of plain values as default
 */
export async function readModuleFile(path: string): Promise<Record<string, unknown>> {
  const [{ createJiti }, selfgrad] = await Promise.all([import('jiti'), import('../index.ts')]);
  const jiti = createJiti(pathToFileURL(path).href, {
    // A file that was edited is read anew, and no code of the user is left in shared folders.
    fsCache: false,
    moduleCache: false,
    interopDefault: false,
    virtualModules: { selfgrad },
  });
  let exported: unknown;
  try {
    exported = await jiti.import(pathToFileURL(path).href);
  } catch (cause) {
    const thrown = cause instanceof Error ? cause.message : show(cause);
    throw new SelfgradError('ERR_CONFIG', `Cannot run the configuration file ${path}: ${thrown}`, { cause });
  }
  if (typeof exported !== 'object' || exported === null || !('default' in exported)) {
    throw new SelfgradError('ERR_CONFIG', `Expected a default export in ${path} but found none.`, {
      fix: 'Write: export default defineConfig({ … }).',
    });
  }
  const values = exported.default;
  if (!isGroup(values)) {
    throw new SelfgradError(
      'ERR_CONFIG',
      `Expected a group of options as the default export of ${path} but received ${show(values)}.`,
      { fix: 'Write: export default defineConfig({ … }).' },
    );
  }
  const foreign = foreignValue(values, [], []);
  if (foreign !== null) {
    throw new SelfgradError(
      'ERR_CONFIG',
      `Expected plain values as the default export of ${path} but received ${foreign}.`,
      { fix: 'Options are numbers, texts, true or false, null, lists and groups of these.' },
    );
  }
  return values;
}
