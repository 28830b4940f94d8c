/** `selfgrad completion`: a script that makes a shell complete commands and options. */
import { Argument, Command } from 'commander';
import { completionScript, type Shell, shells } from '../completion.ts';
import { print } from '../output.ts';

/** The command `selfgrad completion`. */
export function completionCommand(): Command {
  const command = new Command('completion')
    .description('print the script that completes commands, options and their values in a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells));
  return command.action((shell: Shell) => {
    print(completionScript(shell, command.parent!));
  });
}
