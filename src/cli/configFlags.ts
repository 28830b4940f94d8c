/** The flags and `key=value` arguments that make up a configuration, the same for every command. */
import { type Command, Option } from 'commander';
import { optionRows } from '../config/describe.ts';
import { environmentLayers } from '../config/environment.ts';
import { readConfigFile } from '../config/files.ts';
import type { Layer } from '../config/layers.ts';
import { nest, parseOverride, parseValue } from '../config/overrides.ts';
import { presetDescription, presetNames } from '../config/presets.ts';
import { type ResolvedConfig, resolveConfig } from '../config/resolve.ts';

export interface ConfigFlags {
  config: string[];
  preset?: string;
  device?: string;
  seed?: string;
}

/** Options that have a flag of their own; help takes their text from the schema. */
const flagged = { device: '--device <device>', seed: '--seed <integer>' } as const;

/** Adds `-c`, `--device`, `--seed` and `key=value` arguments, and lists the options of `groups` in the help. */
export function addConfigFlags(command: Command, groups: readonly string[]): Command {
  const all = optionRows();
  command.argument('[key=value...]', 'options of the configuration, e.g. train.lr=0.05');
  command.addOption(
    new Option(
      '-c, --config <file>',
      'YAML, JSON, TypeScript or JavaScript file (the last two are run); repeatable, later ones win',
    )
      .argParser(collect)
      .default([], 'none'),
  );
  for (const [path, flags] of Object.entries(flagged)) {
    const row = all.find((option) => option.path === path)!;
    command.option(flags, `${row.description.replace(/\.$/, '')}: ${row.expected} (default: ${row.default})`);
  }
  const rows = all.filter(({ path }) =>
    groups.some((group) => path === group || path.startsWith(`${group}.`)),
  );
  return command.addHelpText('after', () => optionHelp(rows));
}

/** Adds `--preset`, for commands that begin a run rather than read one. */
export function addPresetFlag(command: Command): Command {
  const list = presetNames.map((name) => `${name} (${presetDescription(name)})`).join('; ');
  return command.addOption(new Option('--preset <name>', `starting point: ${list}`));
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function optionHelp(rows: ReturnType<typeof optionRows>): string {
  const width = Math.max(...rows.map(({ path }) => path.length));
  const lines = rows.map(({ path, description, expected, default: value }) => {
    const shown = typeof value === 'string' ? value : JSON.stringify(value);
    return `  ${path.padEnd(width)}  ${description}\n  ${' '.repeat(width)}  ${expected}; default ${shown}`;
  });
  return `
Options of the configuration (key=value):
${lines.join('\n')}

Precedence: flags and key=value > environment (SELFGRAD__TRAIN__LR=0.05) > --config files > preset > defaults.`;
}

/**
 * The configuration of a command.
 *
 * @param base values under all others, e.g. those of the run that is read
 * @param top values of a command's own flags, above all others
 * @throws SelfgradError `ERR_OPTION`, `ERR_CONFIG`
 */
export async function readConfig(
  flags: ConfigFlags,
  overrides: readonly string[],
  base: readonly Layer[] = [],
  top: readonly Layer[] = [],
): Promise<ResolvedConfig> {
  const preset: Layer[] =
    flags.preset === undefined ? [] : [{ origin: '--preset', values: { preset: flags.preset } }];
  const given = (Object.keys(flagged) as (keyof typeof flagged)[]).flatMap((path): Layer[] => {
    const text = flags[path];
    return text === undefined
      ? []
      : [{ origin: `--${path}`, values: nest([path], parseValue(text, `--${path}`)) }];
  });
  return resolveConfig([
    ...base,
    ...(await Promise.all(flags.config.map(readConfigFile))),
    ...environmentLayers(process.env),
    ...preset,
    ...overrides.map(parseOverride),
    ...given,
    ...top,
  ]);
}

/** What `selfgrad` was called with, to be written into a report: quoted so that a shell reads it back. */
export function commandLine(argv: readonly string[]): string {
  const quote = (word: string) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
  return ['npx', 'selfgrad', ...argv].map(quote).join(' ');
}
