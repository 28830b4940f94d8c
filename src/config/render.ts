/** A configuration as YAML that people read and edit. */
import { stringify } from 'yaml';
import { formatEps } from './fraction.ts';
import { isGroup } from './layers.ts';

/** Options in pixel units, shown as `8/255` rather than 0.0313…. */
const pixelUnits = new Set(['eps', 'alpha', 'points']);

function readable(value: unknown, key: string): unknown {
  if (typeof value === 'number') return pixelUnits.has(key) && value <= 1 ? exact(value) : value;
  if (Array.isArray(value)) return value.map((item) => readable(item, key));
  if (!isGroup(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, readable(inner, name)]));
}

/** The fraction where it is the shorter form, else the number. */
function exact(value: number): number | string {
  const text = formatEps(value);
  return text.includes('/') ? text : value;
}

function inline(value: unknown, key: string): string {
  return stringify(readable(value, key), { collectionStyle: 'flow', lineWidth: 0 }).trim();
}

function lines(
  value: Record<string, unknown>,
  path: string,
  comment: (path: string) => string,
): [string, string][] {
  const indent = '  '.repeat(path === '' ? 0 : path.split('.').length);
  return Object.entries(value).flatMap(([key, inner]): [string, string][] => {
    const here = path ? `${path}.${key}` : key;
    if (isGroup(inner)) return [[`${indent}${key}:`, ''], ...lines(inner, here, comment)];
    return [[`${indent}${key}: ${inline(inner, key)}`, comment(here)]];
  });
}

/**
 * One option a line, with `comment(path)` behind it. What it returns is valid YAML that resolves to `config`
 * again.
 */
export function renderConfig(config: object, comment: (path: string) => string): string {
  const all = lines(config as Record<string, unknown>, '', comment);
  const width = Math.min(48, Math.max(...all.map(([text]) => text.length)));
  return `${all.map(([text, note]) => (note ? `${text.padEnd(width)}  # ${note}` : text)).join('\n')}\n`;
}
