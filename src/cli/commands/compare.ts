/** `selfgrad compare`: evaluated runs side by side, with paired differences to the first. */
import { basename, dirname } from 'node:path';
import { Command } from 'commander';
import { compare } from '../../comparison.ts';
import { packageVersion } from '../../native/packageRoot.ts';
import { comparisonCsv } from '../../report/comparisonCsv.ts';
import { renderComparison } from '../../report/comparisonPage.ts';
import { renderComparisonTable } from '../../report/comparisonTable.ts';
import { readEvaluation } from '../../report/json.ts';
import { writeAtomic } from '../../report/writeAtomic.ts';
import { note, print, printJson } from '../output.ts';
import { readHistory, runOf } from '../runFiles.ts';

/** The folder's name; as much of the path as tells the runs apart. */
function shortNames(directories: readonly string[]): string[] {
  const last = directories.map((path) => basename(path));
  return new Set(last).size === last.length
    ? last
    : directories.map((path) => `${basename(dirname(path))}/${basename(path)}`);
}

/** The command `selfgrad compare`. */
export function compareCommand(): Command {
  return new Command('compare')
    .description('set evaluated runs beside each other; differences are paired, image by image')
    .argument('<run...>', 'run directories, or evaluation.json files; the first is the one to beat')
    .option(
      '--out <file>',
      'also write the comparison as an HTML page, with its numbers beside it as .json and .csv',
    )
    .option('--json', 'the comparison as one JSON document on stdout')
    .action(async (paths: string[], { out, json }: { out?: string; json?: boolean }) => {
      const files = paths.map(runOf);
      const evaluations = await Promise.all(
        paths.map((path, i) => readEvaluation(path.endsWith('.json') ? path : files[i]!.evaluation)),
      );
      const names = shortNames(files.map(({ directory }) => directory));
      const comparison = compare(evaluations.map((evaluation, i) => ({ name: names[i]!, evaluation })));
      if (out !== undefined) {
        const runs = evaluations.map((evaluation, i) => ({ evaluation, history: readHistory(files[i]!) }));
        await writeAtomic(out, renderComparison({ comparison, runs, version: packageVersion }));
        const beside = (extension: string) => `${out.replace(/\.html?$/, '')}${extension}`;
        await writeAtomic(beside('.json'), `${JSON.stringify(comparison, null, 2)}\n`);
        await writeAtomic(beside('.csv'), comparisonCsv(comparison));
        note(`page  ${out}`);
      }
      if (json) printJson(comparison);
      else print(renderComparisonTable(comparison));
    });
}
