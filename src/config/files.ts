/** Configuration files: YAML, JSON, which is YAML too, or a program whose default export is the configuration. */
import { readFileSync } from 'node:fs';

import { SelfgradError } from '../errors.ts';
import { isGroup, type Layer } from './layers.ts';
import { isModuleFile, readModuleFile } from './moduleFile.ts';
import { show } from './option.ts';
import { parseYaml } from './yaml.ts';

/** Why the system refused to read a file, in words. */
const reasons: Record<string, string> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
};

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    throw new SelfgradError(
      'ERR_CONFIG',
      `Cannot read the configuration file ${path}: ${reasons[code] ?? message}.`,
      {
        cause,
      },
    );
  }
}

/**
 * The layer that a YAML or JSON file holds.
 *
 * @throws SelfgradError `ERR_CONFIG` when it cannot be read or parsed
 */
export function readDataFile(path: string): Layer {
  const text = readText(path);
  let values: unknown;
  try {
    values = parseYaml(text) ?? {};
  } catch (cause) {
    const [line] = (cause as Error).message.split('\n', 1);
    throw new SelfgradError(
      'ERR_CONFIG',
      `Cannot parse the configuration file ${path}: ${line?.replace(/:$/, '')}.`,
      {
        cause,
      },
    );
  }
  if (!isGroup(values)) {
    throw new SelfgradError(
      'ERR_CONFIG',
      `Expected a group of options in ${path} but received ${show(values)}.`,
    );
  }
  return { origin: path, values };
}

/**
 * The layer that a configuration file holds. A file in TypeScript or JavaScript (`.ts`, `.mts`, `.js`, `.mjs`) is run.
 *
 * @throws SelfgradError `ERR_CONFIG` when it cannot be read, parsed or run, or holds no group of options
 */
export async function readConfigFile(path: string): Promise<Layer> {
  if (!isModuleFile(path)) return readDataFile(path);
  // An absent file gets the sentence that every other kind gets.
  readText(path);
  return { origin: path, values: await readModuleFile(path) };
}
