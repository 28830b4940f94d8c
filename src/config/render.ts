/** A configuration as a file that people read and edit: YAML, JSON or a module. */
import { stringify } from 'yaml';
import { formatEps } from './fraction.ts';
import { isGroup } from './layers.ts';
import { isModuleFile } from './moduleFile.ts';

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

/** How a notation writes a group, an option in it, and a comment. */
interface Notation {
  open: (key: string) => string;
  close: string[];
  option: (key: string, value: unknown) => string;
  comment: string;
}

const yaml: Notation = {
  open: (key) => `${key}:`,
  close: [],
  option: (key, value) => `${key}: ${stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()}`,
  comment: '#',
};

const object: Notation = {
  open: (key) => `${key}: {`,
  close: ['},'],
  option: (key, value) => `${key}: ${JSON.stringify(value).replace(/"([^"'\\\\]*)"/g, "'$1'")},`,
  comment: '//',
};

/** One option a line, with `comment(path)` behind it. */
type Comment = (path: string) => string;

function write(config: object, comment: Comment, notation: Notation, depth: number): string {
  const lines = (value: object, path: string, level: number): [string, string][] => {
    const indent = '  '.repeat(level);
    return Object.entries(value).flatMap(([key, inner]): [string, string][] => {
      const here = path ? `${path}.${key}` : key;
      if (!isGroup(inner)) return [[indent + notation.option(key, readable(inner, key)), comment(here)]];
      return [
        [indent + notation.open(key), ''],
        ...lines(inner, here, level + 1),
        ...notation.close.map((text): [string, string] => [indent + text, '']),
      ];
    });
  };
  const all = lines(config, '', depth);
  const width = Math.min(48, Math.max(...all.map(([text]) => text.length)));
  return `${all.map(([text, note]) => (note ? `${text.padEnd(width)}  ${notation.comment} ${note}` : text)).join('\n')}\n`;
}

/** YAML that resolves to `config` again. */
export function renderConfig(config: object, comment: Comment): string {
  return write(config, comment, yaml, 0);
}

/** A file of `config` in the notation that its name ends in; `head` is its first comment. JSON has none. */
export function renderConfigFile(
  name: string,
  config: object,
  head: string,
  comment: Comment,
): string | null {
  if (/\.ya?ml$/.test(name)) return `# ${head}\n${renderConfig(config, comment)}`;
  if (/\.json$/.test(name)) return `${JSON.stringify(readable(config, ''), null, 2)}\n`;
  if (!isModuleFile(name)) return null;
  const body = write(config, comment, object, 1);
  return `// ${head}\nimport { defineConfig } from 'selfgrad';\n\nexport default defineConfig({\n${body}});\n`;
}
