/** Every command has examples, and the command line would take each. */
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/cli/configFlags.ts';
import { examples } from '../../src/cli/examples.ts';
import { createProgram } from '../../src/cli/program.ts';

function leaves(command: Command, words: readonly string[] = []): Map<string, Command> {
  if (command.commands.length === 0) return new Map([[words.join(' '), command]]);
  return new Map(command.commands.flatMap((child) => [...leaves(child, [...words, child.name()])]));
}

/** The words behind `selfgrad` in a line for a shell. */
const wordsOf = (line: string) => /selfgrad (.*?)(?: > .*|\))?$/.exec(line)![1]!.split(' ');

describe('examples of the command line', () => {
  it('are there for every command, and for no other', () => {
    expect(Object.keys(examples).sort()).toEqual([...leaves(createProgram()).keys()].sort());
    for (const lines of Object.values(examples)) expect(lines.length).toBeGreaterThan(0);
  });

  it.each(
    Object.entries(examples).flatMap(([command, lines]) => lines.map(([line]) => [line, command] as const)),
  )('%s', async (line, name) => {
    const program = createProgram();
    const command = leaves(program).get(name)!;
    let taken: { arguments: string[]; options: Record<string, unknown> } | undefined;
    command.action((...given) => {
      taken = { arguments: given.slice(0, -2).flat(), options: given.at(-2) };
    });
    await program.parseAsync(wordsOf(line), { from: 'user' });
    expect(taken, 'the line runs the command that it explains').toBeDefined();
    const { arguments: given, options } = taken!;
    if (!command.options.some(({ long }) => long === '--config')) return;
    // Options of the configuration are looked at by the command itself.
    const overrides = given.filter((word) => word?.includes('='));
    await readConfig(
      { config: [], ...(options.preset ? { preset: String(options.preset) } : {}) },
      overrides,
    );
  });

  it('stand in the help', () => {
    let help = '';
    const command = leaves(createProgram()).get('data fetch')!;
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    expect(help).toContain(`\nExamples:\n  ${examples['data fetch']![0]![0]}\n`);
  });
});
