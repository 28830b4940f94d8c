/** `selfgrad card`: the model card of a run, for people (Markdown) and programs (JSON). */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { modelCard } from '../../report/card.ts';
import { renderCard } from '../../report/cardMarkdown.ts';
import { readEvaluation } from '../../report/json.ts';
import { writeAtomic } from '../../report/writeAtomic.ts';
import { runFiles } from '../../runFiles.ts';
import { commandLine } from '../configFlags.ts';
import { note, print, printJson } from '../output.ts';
import { makeDirectory } from '../results.ts';
import { readHistory, runLayers, runOf } from '../runFiles.ts';

/** The command `selfgrad card`. */
export function cardCommand(): Command {
  return new Command('card')
    .description('write the model card of a run: card.md and card.json')
    .argument('<run>', 'run directory, or the model file in it')
    .option('--out <directory>', 'where to write them (default: the run directory)')
    .option('--json', 'the card as one JSON document on stdout')
    .action(async (run: string, { out, json }: { out?: string; json?: boolean }) => {
      const { loadModel } = await import('../../model.ts');
      const files = runOf(run);
      const [layer] = runLayers(files);
      const evaluation = existsSync(files.evaluation) ? await readEvaluation(files.evaluation) : null;
      using model = await loadModel(run);
      const card = modelCard({
        model,
        evaluation,
        history: readHistory(files),
        config: layer?.values ?? null,
        command: layer && commandLine(['train', '-c', files.config, '--out', `${files.directory}-again`]),
      });
      const written = runFiles(out ?? files.directory);
      await makeDirectory(written.directory);
      await writeAtomic(written.cardJson, `${JSON.stringify(card, null, 2)}\n`);
      await writeAtomic(written.card, renderCard(card));
      if (evaluation === null)
        note(`There is no evaluation in ${files.directory}: run selfgrad eval for figures.`);
      if (json) printJson(card);
      else print(`card  ${written.card}`);
    });
}
