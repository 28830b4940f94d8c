/**
 * The building blocks of the configuration schema. Each option carries its type, range, default and
 * description in one place; the error sentence, `--help` and the JSON Schema are all read from there.
 */
import { z } from 'zod';
import { SelfgradError } from '../errors.ts';
import { suggest } from './suggest.ts';

/** Stands for the option's path in a sentence until `parse` knows where the option lies. */
const pathMark = '{path}';

/** A value as an error shows it: `8 (number)`, `'abc' (string)`, `null`. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  const text = typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? String(value));
  const short = text.length > 60 ? `${text.slice(0, 57)}…` : text;
  if (typeof value === 'number') return `${value} (number)`;
  return `${short} (${Array.isArray(value) ? 'array' : typeof value})`;
}

/** *Expected WHAT for PATH but received VALUE (TYPE). Fix.* */
export function sentence(expected: string, path: string, value: unknown, fix?: string): string {
  return `Expected ${expected} for ${path} but received ${show(value)}.${fix ? ` ${fix}` : ''}`;
}

export interface OptionText {
  /** One sentence for help and documentation. */
  description: string;
  /** What to do about a value that was refused. */
  fix?: (value: unknown) => string | undefined;
}

/** The `error` parameter of a zod schema that expects `expected`. */
function refuses(expected: string, fix?: OptionText['fix']) {
  return {
    error: (issue: { input?: unknown }) => sentence(expected, pathMark, issue.input, fix?.(issue.input)),
  };
}

export interface Bounds {
  gt?: number;
  gte?: number;
  lt?: number;
  lte?: number;
}

/** `a number in (0, 1]`, `an integer >= 1`. */
function range(noun: string, { gt, gte, lt, lte }: Bounds): string {
  const low = gt ?? gte;
  const high = lt ?? lte;
  if (low !== undefined && high !== undefined) {
    return `${noun} in ${gt === undefined ? '[' : '('}${low}, ${high}${lt === undefined ? ']' : ')'}`;
  }
  if (low !== undefined) return `${noun} ${gt === undefined ? '>=' : '>'} ${low}`;
  return high === undefined ? noun : `${noun} ${lt === undefined ? '<=' : '<'} ${high}`;
}

function bounded(schema: z.ZodNumber, noun: string, text: OptionText & Bounds): z.ZodNumber {
  const expected = range(noun, text);
  const params = refuses(expected, text.fix);
  let bounds = schema;
  if (text.gt !== undefined) bounds = bounds.gt(text.gt, params);
  if (text.gte !== undefined) bounds = bounds.gte(text.gte, params);
  if (text.lt !== undefined) bounds = bounds.lt(text.lt, params);
  if (text.lte !== undefined) bounds = bounds.lte(text.lte, params);
  return bounds.meta({ description: text.description, expected });
}

/** A finite number. */
export function number(text: OptionText & Bounds): z.ZodNumber {
  return bounded(z.number(refuses(range('a number', text), text.fix)), 'a number', text);
}

/** A safe integer. */
export function integer(text: OptionText & Bounds): z.ZodNumber {
  const params = refuses(range('an integer', text), text.fix);
  return bounded(z.number(params).int(params), 'an integer', text);
}

/** true or false. */
export function flag(text: OptionText): z.ZodBoolean {
  return z
    .boolean(refuses('true or false', text.fix))
    .meta({ description: text.description, expected: 'true or false' });
}

/** Free text; `pattern` limits it and `expected` says so in words. */
export function text(options: OptionText & { expected: string; pattern?: RegExp }): z.ZodString {
  const params = refuses(options.expected, options.fix);
  const schema = z.string(params);
  return (options.pattern ? schema.regex(options.pattern, params) : schema.min(1, params)).meta({
    description: options.description,
    expected: options.expected,
  });
}

/** `Did you mean …?` for a word that is not one of `candidates`. */
export function didYouMean(value: unknown, candidates: readonly string[]): string | undefined {
  const near = typeof value === 'string' ? suggest(value, candidates) : undefined;
  return near === undefined ? undefined : `Did you mean ${near}?`;
}

/** `a, b or c` */
export function oneOf(values: readonly string[]): string {
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}

/** One word of a fixed list. */
export function choice<const T extends readonly [string, ...string[]]>(
  values: T,
  { description }: OptionText,
) {
  const expected = oneOf(values);
  return z
    .enum(
      values,
      refuses(expected, (value) => didYouMean(value, values)),
    )
    .meta({ description, expected });
}

/** A list of `item`, with bounds on its length. */
export function list<T extends z.ZodType>(
  item: T,
  options: OptionText & {
    expected: string;
    length?: [min: number, max?: number];
    /** What must hold for the list as a whole. */
    holds?: (items: z.output<T>[]) => boolean;
  },
): z.ZodArray<T> {
  const params = refuses(options.expected, options.fix);
  let schema = z.array(item, params);
  const [min, max] = options.length ?? [0];
  if (min > 0) schema = schema.min(min, params);
  if (max !== undefined) schema = schema.max(max, params);
  if (options.holds) schema = schema.refine(options.holds, params);
  return schema.meta({ description: options.description, expected: options.expected });
}

/** Any of several schemas, with one sentence for all of them. */
export function either<const T extends readonly [z.ZodType, ...z.ZodType[]]>(
  schemas: T,
  options: OptionText & { expected: string },
): z.ZodUnion<T> {
  return z
    .union(schemas, refuses(options.expected, options.fix))
    .meta({ description: options.description, expected: options.expected });
}

/** A group of options; a key that it does not have is an error. */
export function section<T extends z.core.$ZodLooseShape>(description: string, shape: T) {
  return z
    .strictObject(shape, {
      // `parse` writes the sentence of an unknown key: it needs the candidates, and knows the path.
      error: (issue) =>
        issue.code === 'unrecognized_keys'
          ? Object.keys(shape).join(' ')
          : sentence('a group of options', pathMark, issue.input),
    })
    .meta({ description });
}

/** One of several groups that `name` tells apart; the bare name stands for the group with its defaults. */
export function named<
  const T extends readonly [z.core.$ZodTypeDiscriminable, ...z.core.$ZodTypeDiscriminable[]],
>(names: readonly string[], description: string, groups: T) {
  const expected = oneOf(names);
  const union = z.discriminatedUnion('name', groups, {
    error: ({ input }) => {
      const name = typeof input === 'object' && input !== null && 'name' in input ? input.name : input;
      return sentence(expected, pathMark, name, didYouMean(name, names));
    },
  });
  return z.preprocess(withName, union).meta({ description, expected });
}

/** `'pgd'` → `{ name: 'pgd' }`; anything else as it is. */
export function withName(value: unknown): unknown {
  return typeof value === 'string' ? { name: value } : value;
}

/** `['evaluate', 'attacks', 1, 'eps']` → `evaluate.attacks[1].eps` */
export function joinPath(path: readonly PropertyKey[], root = ''): string {
  return path.reduce<string>(
    (joined, key) =>
      typeof key === 'number' ? `${joined}[${key}]` : joined ? `${joined}.${String(key)}` : String(key),
    root,
  );
}

function explain(issue: z.core.$ZodIssue, root: string, known: readonly string[]): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const siblings = issue.message.split(' ');
      const here = suggest(key, siblings);
      // The options of one strategy are not a misplaced form of another group's.
      const elsewhere = siblings.includes('name')
        ? undefined
        : known.find((path) => path.endsWith(`.${key}`));
      const near = here === undefined ? elsewhere : joinPath([...issue.path, here], root);
      const hint = near === undefined ? `Known here: ${siblings.join(', ')}.` : `Did you mean ${near}?`;
      return `Unknown option ${joinPath([...issue.path, key], root)}. ${hint}`;
    });
  }
  return [issue.message.replace(pathMark, joinPath(issue.path, root) || 'the configuration')];
}

/**
 * Checks `value` and fills in defaults.
 *
 * @param root path of `value`, put before the paths in messages
 * @param known all option paths, to find an option that was written in the wrong group
 * @throws SelfgradError `ERR_OPTION`, one sentence a line
 */
export function parse<T extends z.ZodType>(
  schema: T,
  value: unknown,
  root = '',
  known: readonly string[] = [],
): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const sentences = new Set(result.error.issues.flatMap((issue) => explain(issue, root, known)));
  throw new SelfgradError('ERR_OPTION', [...sentences].join('\n'));
}
