/** `selfgrad report`: the HTML report of a run that was evaluated, written anew. */
import { join } from 'node:path';
import { Command } from 'commander';
import { readEvaluation, writeEvaluation } from '../../report/json.ts';
import { robustBenchRecord } from '../../report/robustBench.ts';
import { writeAtomic } from '../../report/writeAtomic.ts';
import { runFiles } from '../../runFiles.ts';
import { print, printJson } from '../output.ts';
import { makeDirectory, writeReport } from '../results.ts';
import { runOf } from '../runFiles.ts';

interface ReportFlags {
  out?: string;
  robustbench?: string;
  json?: boolean;
}

/** The command `selfgrad report`. */
export function reportCommand(): Command {
  return new Command('report')
    .description('write report.html and evaluation.csv from the evaluation.json of a run')
    .argument('<run>', 'run directory, or an evaluation.json in it')
    .option('--out <directory>', 'where to write them, and a copy of the evaluation (default: beside it)')
    .option('--robustbench <file>', 'also write the AutoAttack figure as a record for RobustBench')
    .option('--json', 'one JSON document on stdout')
    .action(async (run: string, { out, robustbench, json }: ReportFlags) => {
      const files = runOf(run);
      const evaluation = await readEvaluation(
        run.endsWith('.json') ? run : join(files.directory, 'evaluation.json'),
      );
      const written = runFiles(out ?? files.directory);
      if (robustbench !== undefined) {
        await writeAtomic(robustbench, `${JSON.stringify(robustBenchRecord(evaluation), null, 2)}\n`);
      }
      // What is shown stands beside the page, wherever that is.
      if (out !== undefined) {
        await makeDirectory(out);
        await writeEvaluation(written.evaluation, evaluation);
      }
      await writeReport(evaluation, files, written);
      if (json) printJson({ schema: 'selfgrad.report/1', report: written.report, csv: written.csv });
      else print(`report  ${written.report}`);
    });
}
