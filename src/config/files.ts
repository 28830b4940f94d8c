/** Configuration files: YAML, or JSON, which is YAML too. */
import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { SelfgradError } from '../errors.ts';
import { isGroup, type Layer } from './layers.ts';
import { show } from './option.ts';

/** Why the system refused to read a file, in words. */
const reasons: Record<string, string> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
};

/**
 * The layer that a YAML or JSON file holds.
 *
 * @throws SelfgradError `ERR_CONFIG` when it cannot be read or parsed
 */
export function readConfigFile(path: string): Layer {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
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
