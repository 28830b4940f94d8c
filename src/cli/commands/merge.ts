/** `selfgrad merge`: the evaluation of a whole set from those of its shards. */
import { Command, Option } from 'commander';
import { mergeEvaluations } from '../../evaluate/merge.ts';
import { readEvaluation } from '../../report/json.ts';
import { renderTable } from '../../report/table.ts';
import { runFiles } from '../../runFiles.ts';
import { commandLine } from '../configFlags.ts';
import { checkGates, type Gate, parseGate } from '../gate.ts';
import { print, printJson } from '../output.ts';
import { writeResults } from '../results.ts';
import { runOf } from '../runFiles.ts';

/** The command `selfgrad merge`. */
export function mergeCommand(): Command {
  return new Command('merge')
    .description('join the evaluations of all shards (eval --shard i/n) into one')
    .argument('<evaluation...>', 'run directories, or evaluation.json files')
    .requiredOption('--out <directory>', 'where the evaluation of the whole and its report go')
    .addOption(
      new Option('--fail-under <what=share>', 'exit 3 when below, e.g. robust=0.45; repeatable')
        .argParser(parseGate)
        .default([], 'none'),
    )
    .option('--json', 'the evaluation as one JSON document on stdout')
    .action(async (paths: string[], { out, json, failUnder }: MergeFlags) => {
      const files = paths.map((path) => (path.endsWith('.json') ? path : runOf(path).evaluation));
      const parts = await Promise.all(files.map(readEvaluation));
      const evaluation = { ...mergeEvaluations(parts), command: commandLine(process.argv.slice(2)) };
      await writeResults(evaluation, runOf(paths[0]!), runFiles(out));
      if (json) printJson(evaluation);
      else print(renderTable(evaluation));
      checkGates(failUnder, evaluation);
    });
}

interface MergeFlags {
  out: string;
  json?: boolean;
  failUnder: Gate[];
}
