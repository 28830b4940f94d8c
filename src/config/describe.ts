/** What the schema says about itself: the JSON Schema for editors, and one row per option for help. */
import { z } from 'zod';
import { configSchema } from './config.ts';
import { isGroup } from './layers.ts';
import { presetNames } from './presets.ts';

interface Node {
  description?: string;
  expected?: string;
  default?: unknown;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, Node>;
  items?: Node;
  anyOf?: Node[];
  oneOf?: Node[];
  required?: string[];
}

function schemaNode(): Node {
  return z.toJSONSchema(configSchema, { io: 'input' }) as Node;
}

/** A group of which the name says all that must be said. */
const needsNameOnly = ({ required = [] }: Node) => required.every((key) => key === 'name');

/** Drops what only help reads, and lets a bare name stand for a group that `name` tells apart. */
function finish(node: Node): Node {
  const { expected: _, oneOf, ...rest } = node;
  const out: Node = { ...rest };
  if (node.properties) {
    out.properties = Object.fromEntries(
      Object.entries(node.properties).map(([key, inner]) => [key, finish(inner)]),
    );
  }
  if (node.items) out.items = finish(node.items);
  if (node.anyOf) out.anyOf = node.anyOf.map(finish);
  if (oneOf)
    out.anyOf = [
      { enum: oneOf.filter(needsNameOnly).map((group) => group.properties?.name?.const) },
      ...oneOf.map(finish),
    ];
  return out;
}

/** JSON Schema (2020-12) of a configuration file. */
export function configJsonSchema(): Record<string, unknown> {
  const { properties, ...schema } = finish(schemaNode());
  const preset: Node = {
    description: 'Starting point whose values the others override.',
    enum: [...presetNames],
  };
  return { ...schema, properties: { preset, ...properties } };
}

export interface OptionRow {
  /** `train.lr` */
  path: string;
  description: string;
  /** What the option accepts, in words. */
  expected: string;
  /** As YAML would be written: `8/255`, `null`, `self-gradient`. */
  default: unknown;
}

/** A node without the `null` that an option may also be. */
function present(node: Node): Node {
  return node.anyOf?.find((inner) => inner.description !== undefined) ?? node;
}

/** The group of several that goes by the name in `value`. */
function chosen({ oneOf }: Node, value: unknown): Node | undefined {
  return isGroup(value) ? oneOf?.find(({ properties }) => properties?.name?.const === value.name) : undefined;
}

function rows(path: string, node: Node, value?: unknown): OptionRow[] {
  const inner = present(node);
  const group = chosen(inner, value) ?? inner;
  if (group.properties) {
    // Its name is what the group of several is about.
    const { description = '', expected = '' } = inner;
    return Object.entries(group.properties).flatMap(([key, child]) => {
      const here = path ? `${path}.${key}` : key;
      return group !== inner && key === 'name'
        ? [{ path: here, description, expected, default: child.const }]
        : rows(here, child, isGroup(value) ? value[key] : undefined);
    });
  }
  const nullable = inner !== node ? ' or null' : '';
  return [
    {
      path,
      description: node.description ?? inner.description ?? '',
      expected: `${node.expected ?? inner.expected ?? ''}${node.expected ? '' : nullable}`,
      default: node.default,
    },
  ];
}

/**
 * One row per option, in the order of the schema. Of groups that go by names (strategies, schedules, attacks) the one that
 * `config` has; without a configuration such a group is one row.
 */
export function optionRows(config?: object): OptionRow[] {
  return rows('', schemaNode(), config);
}
