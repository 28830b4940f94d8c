/** `selfgrad data`: which sources there are, fetching them, whether a data set is whole, and what it holds. */
import { Command } from 'commander';
import { fetchData } from '../../data/fetch/fetchData.ts';
import { publishedSets } from '../../data/fetch/published.ts';
import { dataSources } from '../../data/open.ts';
import { SelfgradError } from '../../errors.ts';
import { printColumns } from '../data/columns.ts';
import { addSourceFlags, eachSplit, type SourceFlags } from '../data/flags.ts';
import { previewSplit } from '../data/preview.ts';
import { dataStatistics, printStatistics } from '../data/stats.ts';
import { printSplits, type VerifiedSplit, verifySplit } from '../data/verify.ts';
import { withDownloadProgress } from '../downloadProgress.ts';
import { print, printJson } from '../output.ts';
import { type ProgressFlags, progressOptions } from '../progress/progress.ts';

type DataFlags = SourceFlags & { split: string; json: boolean };
type PreviewFlags = DataFlags & { perClass: number; out: string };

interface FetchFlags extends ProgressFlags {
  out?: string;
  url?: string;
  offline?: boolean;
  json: boolean;
}

/** The command with its subcommands. */
export function dataCommand(): Command {
  const command = new Command('data').description('list, fetch, verify, describe and show data sets');
  withJson(command.command('list').description('the sources and what each needs')).action(list);
  const fetching = withJson(
    command
      .command('fetch')
      .description('fetch a published data set, checked by SHA-256; nothing to do when it is there')
      .argument('<name>', `one of ${publishedSets.map(({ name }) => name).join(', ')}`)
      .option(
        '--out <folder>',
        "folder for it (default: in the user's cache, where the source of its name looks)",
      )
      .option('--url <address>', 'https address of a mirror: the folder of the same files')
      .option('--offline', 'fail rather than use the network'),
  ).action(fetch);
  for (const option of progressOptions()) fetching.addOption(option);
  withJson(
    addSourceFlags(command.command('verify'), 'both').description(
      'read every image and label, and print counts and fingerprint',
    ),
  ).action(verify);
  withJson(
    addSourceFlags(command.command('stats'), 'both').description(
      'images of each class, mean and standard deviation of each channel, exact duplicates',
    ),
  ).action(stats);
  withJson(
    addSourceFlags(command.command('preview'), 'train')
      .description('write a picture with the first images of each class')
      .option('--per-class <n>', 'images of each class', Number, 8)
      .option('--out <file>', 'the PNG to write', 'preview.png'),
  ).action(preview);
  return command;
}

function withJson(command: Command): Command {
  return command.option('--json', 'print one JSON document', false);
}

function list({ json }: { json: boolean }): void {
  const rows = dataSources.map(({ name, description, needs }) => [name, description, needs ?? '(none)']);
  if (json) printJson({ schema: 'selfgrad.data-list/1', sources: dataSources });
  else printColumns([['source', 'what it is', 'data.path holds'], ...rows]);
}

async function fetch(name: string, { json, progress, quiet, ...flags }: FetchFlags): Promise<void> {
  const done = await withDownloadProgress(name, { progress, quiet }, (onProgress) =>
    fetchData(name, { ...flags, onProgress }),
  );
  if (json) printJson({ schema: 'selfgrad.data-fetch/1', ...done });
  else print(`${done.name} is in ${done.folder}${done.fetched ? '' : ' (it was there already)'}`);
}

async function verify(flags: DataFlags): Promise<void> {
  const splits: VerifiedSplit[] = [];
  for (const request of eachSplit(flags)) splits.push(await verifySplit(request));
  if (flags.json) printJson({ schema: 'selfgrad.data-verify/1', splits });
  else printSplits(splits);
}

async function stats(flags: DataFlags): Promise<void> {
  const found = await dataStatistics(eachSplit(flags));
  if (flags.json) printJson({ schema: 'selfgrad.data-stats/1', ...found });
  else printStatistics(found);
}

async function preview(flags: PreviewFlags): Promise<void> {
  const [request, second] = eachSplit(flags);
  if (!request || second)
    throw new SelfgradError('ERR_OPTION', "Expected train or test for --split but received 'both' (string).");
  const done = await previewSplit(request, flags.perClass, flags.out);
  if (flags.json) return printJson({ schema: 'selfgrad.data-preview/1', ...done });
  const rest = done.rows < done.classes ? ` of the first ${done.rows} classes` : '';
  print(`${done.file}: ${done.images} images${rest} of ${done.name} ${done.split}`);
}
