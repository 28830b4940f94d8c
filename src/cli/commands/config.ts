/** `selfgrad config`: print, begin, check and describe configurations. */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { configJsonSchema, optionRows } from '../../config/describe.ts';
import { presetNames } from '../../config/presets.ts';
import { renderConfig, renderConfigFile } from '../../config/render.ts';
import { resolveConfig } from '../../config/resolve.ts';
import { SelfgradError } from '../../errors.ts';
import { writeAtomic } from '../../report/writeAtomic.ts';
import { addConfigFlags, addPresetFlag, type ConfigFlags, readConfig } from '../configFlags.ts';
import { note, print, printJson } from '../output.ts';

/** Names what a config command is about, so that `config print train` is not read as an override. */
const groups = ['seed', 'threads', 'device', 'data', 'model', 'threat', 'train', 'evaluate'];

type Flags = ConfigFlags & { json?: boolean };

function printCommand(): Command {
  const command = new Command('print').description(
    'the configuration as it resolves, and where each value comes from',
  );
  return addPresetFlag(addConfigFlags(command, groups))
    .option('--json', 'one JSON document on stdout')
    .action(async (overrides: string[], flags: Flags) => {
      const { config, origins } = await readConfig(flags, overrides);
      if (flags.json)
        printJson({ schema: 'selfgrad.config/1', config, origins: Object.fromEntries(origins) });
      else print(renderConfig(config, (path) => origins.get(path) ?? 'default'));
    });
}

function initCommand(): Command {
  return addPresetFlag(new Command('init'))
    .description('write a configuration file with every option explained')
    .argument('[file]', 'where to write it; - for stdout', 'selfgrad.yaml')
    .option('--force', 'replace an existing file')
    .action(async (file: string, { preset, force }: { preset?: string; force?: boolean }) => {
      const { config } = resolveConfig([
        { origin: '--preset', values: preset === undefined ? {} : { preset } },
      ]);
      const rows = new Map(optionRows(config).map((row) => [row.path, row]));
      const explain = (path: string) => {
        const row = rows.get(path);
        return row ? `${row.description.replace(/[.;]$/, '')} (${row.expected})` : '';
      };
      const head = `Configuration of selfgrad${preset === undefined ? '' : `, from the preset ${preset}`}. Use it with -c.`;
      const text = renderConfigFile(file === '-' ? 'stdout.yaml' : file, config, head, explain);
      if (text === null) {
        throw new SelfgradError(
          'ERR_OPTION',
          `Expected a name that ends in .yaml, .yml, .json, .ts, .mts, .js or .mjs for config init but received ${file}.`,
        );
      }
      if (file === '-') return print(text);
      if (existsSync(file) && !force) {
        throw new SelfgradError('ERR_OPTION', `Expected a new file for config init but ${file} exists.`, {
          fix: 'Give another name, or --force to replace it.',
        });
      }
      await writeAtomic(file, text);
      note(
        `Wrote ${file}. Check it with: selfgrad config validate ${file}; use it with: selfgrad train -c ${file}`,
      );
    });
}

function validateCommand(): Command {
  const command = new Command('validate')
    .description('check a configuration; exit 2 when it is wrong')
    .usage('[options] [file] [key=value...]');
  return addPresetFlag(addConfigFlags(command, groups))
    .option('--json', 'one JSON document on stdout')
    .action(async (overrides: string[], flags: Flags) => {
      // `validate FILE` says the same as `validate -c FILE`.
      const files = overrides.filter((argument) => !argument.includes('='));
      const options = overrides.filter((argument) => argument.includes('='));
      await readConfig({ ...flags, config: [...flags.config, ...files] }, options);
      if (flags.json) printJson({ schema: 'selfgrad.config-check/1', valid: true });
      else print('valid');
    });
}

function schemaCommand(): Command {
  return new Command('schema')
    .description('JSON Schema of a configuration file, for editors')
    .action(() => print(JSON.stringify(configJsonSchema(), null, 2)));
}

/** The command `selfgrad config`. */
export function configCommand(): Command {
  return new Command('config')
    .description(`print, begin, check and describe configurations (presets: ${presetNames.join(', ')})`)
    .addCommand(printCommand())
    .addCommand(initCommand())
    .addCommand(validateCommand())
    .addCommand(schemaCommand());
}
