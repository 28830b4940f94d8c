/** `selfgrad report`: the HTML report of a run that was evaluated, written anew. */
import { join } from 'node:path';
import { Command } from 'commander';
import { readEvaluation } from '../../report/json.ts';
import { runFiles } from '../../runFiles.ts';
import { print, printJson } from '../output.ts';
import { writeReport } from '../results.ts';
import { runOf } from '../runFiles.ts';

/** The command `selfgrad report`. */
export function reportCommand(): Command {
  return new Command('report')
    .description('write report.html and evaluation.csv from the evaluation.json of a run')
    .argument('<run>', 'run directory, or an evaluation.json in it')
    .option('--out <directory>', 'where to write them (default: beside the evaluation)')
    .option('--json', 'one JSON document on stdout')
    .action(async (run: string, { out, json }: { out?: string; json?: boolean }) => {
      const files = runOf(run);
      const evaluation = await readEvaluation(
        run.endsWith('.json') ? run : join(files.directory, 'evaluation.json'),
      );
      const written = runFiles(out ?? files.directory);
      await writeReport(evaluation, files, written);
      if (json) printJson({ schema: 'selfgrad.report/1', report: written.report, csv: written.csv });
      else print(`report  ${written.report}`);
    });
}
