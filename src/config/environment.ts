/**
 * Options from the environment: `SELFGRAD__TRAIN__BATCH_SIZE=64` sets `train.batchSize`. Two underscores part
 * groups, one parts words; variables with a single underscore after SELFGRAD are not options.
 */
import type { Layer } from './layers.ts';
import { nest, parseValue } from './overrides.ts';

const prefix = 'SELFGRAD__';

/** `BATCH_SIZE` → `batchSize` */
function camelCase(words: string): string {
  return words.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** One layer for each option that `environment` sets, in the order of their names. */
export function environmentLayers(environment: Record<string, string | undefined>): Layer[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith(prefix) && environment[name] !== undefined)
    .sort()
    .map((name) => ({
      origin: `environment ${name}`,
      values: nest(
        name.slice(prefix.length).split('__').map(camelCase),
        parseValue(environment[name]!, name),
      ),
    }));
}
