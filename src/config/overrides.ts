/** `key.path=value` arguments of the command line. */

import { SelfgradError } from '../errors.ts';
import type { Layer } from './layers.ts';
import { show } from './option.ts';
import { parseYaml } from './yaml.ts';

const keyPattern = /^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*$/;

/** `['train', 'lr'], 0.1` → `{ train: { lr: 0.1 } }` */
export function nest(keys: readonly string[], value: unknown): unknown {
  return keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
}

/**
 * A value as YAML reads it: `0.1`, `true`, `null`, `[1, 2]`, `{ name: pgd, steps: 7 }`; `8/255` stays text.
 *
 * @param origin names the value in the error
 * @throws SelfgradError `ERR_OPTION` when it is not YAML
 */
export function parseValue(text: string, origin: string): unknown {
  try {
    return parseYaml(text);
  } catch (cause) {
    throw new SelfgradError('ERR_OPTION', `Expected a YAML value for ${origin} but received ${show(text)}.`, {
      fix: 'Quote it for the shell, and write lists as [a, b].',
      cause,
    });
  }
}

/**
 * `train.lr=0.1` → a layer that sets `train.lr`.
 *
 * @throws SelfgradError `ERR_OPTION` when the argument has no `=`, or its key is not a path of words
 */
export function parseOverride(argument: string): Layer {
  const equals = argument.indexOf('=');
  const key = argument.slice(0, Math.max(0, equals));
  if (!keyPattern.test(key)) {
    throw new SelfgradError(
      'ERR_OPTION',
      `Expected key=value for an argument but received ${show(argument)}.`,
      {
        fix: 'Write for example train.lr=0.05; selfgrad config print lists the keys.',
      },
    );
  }
  return { origin: argument, values: nest(key.split('.'), parseValue(argument.slice(equals + 1), key)) };
}
