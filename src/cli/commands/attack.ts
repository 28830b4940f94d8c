/** `selfgrad attack`: attacks chosen images and saves them, to be looked at or used elsewhere. */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { Config } from '../../config/config.ts';
import { splitRequest } from '../../config/data.ts';
import { resolveThreads } from '../../config/device.ts';
import { formatEps } from '../../config/fraction.ts';
import { nest, parseValue } from '../../config/overrides.ts';
import { openData } from '../../data/open.ts';
import { SelfgradError } from '../../errors.ts';
import { writeAtomic } from '../../report/writeAtomic.ts';
import { type SavedImage, saveImages } from '../../savedImages.ts';
import { addConfigFlags, type ConfigFlags, readConfig } from '../configFlags.ts';
import { announceDevice } from '../device.ts';
import { parseIndices } from '../indices.ts';
import { interruptible } from '../interrupt.ts';
import { addModelFlags, type ModelFlags, modelArgument, openGivenModel } from '../openModel.ts';
import { print, printJson } from '../output.ts';
import { openProgress, type Progress, type ProgressFlags, progressOptions } from '../progress/progress.ts';
import { makeDirectory } from '../results.ts';
import { runLayers, runOf } from '../runFiles.ts';

type Flags = ConfigFlags &
  ModelFlags &
  ProgressFlags & { index: number[]; attack?: string; out: string; json?: boolean };

function checkIndices(indices: readonly number[], count: number, name: string): void {
  const beyond = indices.find((index) => index >= count);
  if (beyond === undefined) return;
  throw new SelfgradError(
    'ERR_OPTION',
    `Expected indices in [0, ${count}) for --index but received ${beyond} (number).`,
    {
      fix: `The test split of ${name} has ${count} images.`,
    },
  );
}

async function run(path: string, config: Config, flags: Flags, { show }: Progress): Promise<SavedImage[]> {
  const { index, out } = flags;
  const { attack } = await import('../../attack.ts');
  const { Dataset } = await import('../../data/dataset.ts');
  return interruptible(async (signal) => {
    using data = await Dataset.from(await openData(splitRequest(config, 'test')), {
      storage: config.data.storage,
      signal,
    });
    using model = await openGivenModel(path, config, flags, data.shape);
    checkIndices(index, data.count, data.name);
    const { images: bytes, labels } = data.native.images({ indices: Int32Array.from(index) });
    const images = Float32Array.from(bytes, (value) => value / 255);
    const { seed, threads, device, threat, evaluate } = config;
    // Where the attack will run: the clean images are looked at there as well.
    model.to(device);
    const { predictions: clean } = await model.predict(images, { threads });
    const right = clean.map(({ label }, i) => label === labels[i]);
    const total = right.filter(Boolean).length;
    show({ type: 'clean', done: index.length, correct: total, count: index.length });
    const chosen = evaluate.attacks[0]!;
    // The attack is one call into the core, which says nothing before its end.
    const progress = { type: 'attack', attack: 0, name: chosen.name, total } as const;
    show({ ...progress, done: 0, broken: 0 });
    const result = await attack(model, images, labels, chosen, { threat, seed, threads, device, signal });
    const broken = right.filter((isRight, i) => isRight && result.success[i] === 1).length;
    show({ ...progress, done: total, broken });
    show({ type: 'attack-end', attack: 0, name: chosen.name, broken, robust: total - broken });
    await makeDirectory(out);
    const batch = {
      indices: index,
      labels,
      originals: bytes,
      adversarial: result.adversarial,
      cleanPredictions: clean.map(({ label }) => label),
      shape: data.shape,
      targeted: () => false,
    };
    return await saveImages(out, model, data.classes, batch, { threads, signal });
  });
}

/** A measured size as the radius that it reaches, `8/255`; float32 leaves some 1e-8 between the two. */
function pixelSize(value: number): string {
  const step = Math.round(value * 510) / 510;
  return Math.abs(step - value) < 1e-6 ? formatEps(step) : value.toFixed(4);
}

/** What became of one image, in words. */
function outcome({ label, cleanPrediction, success, successAfterRounding }: SavedImage): string {
  if (cleanPrediction !== label) return 'misclassified without any attack';
  if (!success) return 'withstood the attack';
  return successAfterRounding ? 'broken, in 8 bits too' : 'broken, but not in 8 bits';
}

function render(images: readonly SavedImage[], out: string): string {
  const width = Math.max(...images.map(({ labelName }) => labelName.length));
  const lines = images.map(
    (image) =>
      `${String(image.index).padStart(6)}  ${image.labelName.padEnd(width)}  ${image.cleanPrediction} -> ${image.prediction}  ` +
      `linf ${pixelSize(image.linf)}  l2 ${image.l2.toFixed(3)}  ${outcome(image)}`,
  );
  const attacked = images.filter(({ label, cleanPrediction }) => cleanPrediction === label);
  const broken = attacked.filter(({ success }) => success);
  const kept = broken.filter(({ successAfterRounding }) => successAfterRounding);
  return [
    ...lines,
    `${broken.length} of ${attacked.length} correctly classified images broken; ${kept.length} of ${broken.length} survive rounding to the 8 bits of a PNG`,
    `images  ${out}`,
  ].join('\n');
}

/** The command `selfgrad attack`. */
export function attackCommand(): Command {
  const command = new Command('attack')
    .description('attack chosen test images; save them as PNG, and what happened as attack.json')
    .argument('<model>', modelArgument);
  addModelFlags(addConfigFlags(command, ['seed', 'threads', 'device', 'data', 'threat']))
    .addOption(
      new Option('--index <indices>', 'test images, e.g. 0..9 or 3,5,8')
        .argParser(parseIndices)
        .default(parseIndices('0..9'), '0..9'),
    )
    .option(
      '--attack <attack>',
      'name, or options as YAML: {name: pgd, steps: 50} (default: first of evaluate.attacks)',
    )
    .requiredOption('--out <directory>', 'where images and attack.json go')
    .option('--json', 'one JSON document on stdout');
  for (const option of progressOptions()) command.addOption(option);
  return command.action(async (path: string, overrides: string[], flags: Flags) => {
    const chosen =
      flags.attack === undefined
        ? []
        : [
            {
              origin: '--attack',
              values: nest(['evaluate', 'attacks'], [parseValue(flags.attack, '--attack')]),
            },
          ];
    const { config } = await readConfig(flags, overrides, runLayers(runOf(path)), chosen);
    announceDevice(config.device);
    const progress = openProgress(flags);
    let images: SavedImage[];
    try {
      images = await run(path, config, flags, progress);
    } finally {
      progress.close();
    }
    const { threat, evaluate, seed } = config;
    const document = {
      schema: 'selfgrad.attack/1',
      model: path,
      attack: evaluate.attacks[0],
      threat: { ...threat, epsText: formatEps(threat.eps) },
      seed,
      threads: resolveThreads(config.threads),
      images,
    };
    await writeAtomic(join(flags.out, 'attack.json'), `${JSON.stringify(document, null, 2)}\n`);
    if (flags.json) printJson(document);
    else print(render(images, flags.out));
  });
}
