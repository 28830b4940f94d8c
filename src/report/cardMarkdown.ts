/** The model card as Markdown, for a repository or a model hub. */
import { renderConfig } from '../config/render.ts';
import type { AttackResult, Rate } from '../evaluation.ts';
import type { ModelCard } from './card.ts';
import {
  counted,
  duration,
  grouped,
  interval,
  optionText,
  passes,
  percent,
  sourceText,
  threatText,
} from './format.ts';
import { bullets, code, fenced, prose, table } from './markdown.ts';
import { className } from './tables.ts';

type Measured = NonNullable<ModelCard['evaluation']>;
type Fact = [name: string, value: string | null | false];

function rateCells(rate: Rate): string[] {
  return [`**${percent(rate.rate)}**`, interval(rate)];
}

/** The facts that are known. */
function facts(list: readonly Fact[]): string {
  const known = list.filter((fact): fact is [string, string] => typeof fact[1] === 'string');
  return table(['', ''], known, false);
}

function headline({ evaluation }: ModelCard): string {
  if (evaluation === null) return '> **Not evaluated.** Nothing is known about its accuracy or robustness.';
  const { clean, robust, attacks, threat, data } = evaluation;
  const lines = [`**Clean accuracy ${percent(clean.rate)}** (${interval(clean)})`];
  if (attacks.length > 0) {
    lines.unshift(
      `**Robust accuracy ${percent(robust.rate)}** (${interval(robust)}), ${threatText(threat)}, worst case over ${counted(attacks.length, 'attack')}`,
    );
  }
  lines.push(`${counted(data.count, 'image')} of ${code(data.name)}, ${prose(data.split)}; 95 % intervals`);
  return lines.map((line) => `> ${line}`).join('  \n');
}

function attackCells({ name, options, robust, broken, passes: spent, source }: AttackResult): string[] {
  const given = Object.entries(options).map(([key, value]) => `${key} ${optionText(value)}`);
  if (source) given.push(sourceText(source));
  const title = `${code(name)}${given.length > 0 ? `<br>${prose(given.join(', '))}` : ''}`;
  return [title, ...rateCells(robust), grouped(broken), passes(spent.forward), passes(spent.backward)];
}

function robustness(evaluation: Measured): string[] {
  const { clean, robust, attacks, perClass, epsCurve, data, warnings, passes: spent } = evaluation;
  const rows = [['none (clean)', ...rateCells(clean), '', '', ''], ...attacks.map(attackCells)];
  if (attacks.length > 0) {
    const broken = grouped(clean.correct - robust.correct);
    rows.push([
      '**worst case**',
      ...rateCells(robust),
      broken,
      passes(spent.forward),
      passes(spent.backward),
    ]);
  }
  const parts = [
    '## Robustness',
    table(['attack', 'accuracy', '95 % interval', 'broken', 'forward', 'backward'], rows),
    'Accuracy is the share of all images that are still classified correctly. The worst case counts an image only if every attack failed on it. Forward and backward count passes of one image through the network.',
  ];
  if (epsCurve !== null && epsCurve.points.length > 0) {
    parts.push(
      `### Against eps (${code(epsCurve.attack)}, ${counted(epsCurve.count, 'image')})`,
      table(
        ['eps', 'accuracy', '95 % interval'],
        epsCurve.points.map(({ epsText, robust: rate }) => [prose(epsText), ...rateCells(rate)]),
      ),
    );
  }
  if (perClass.length > 0) {
    parts.push(
      '### Classes',
      table(
        ['class', 'clean', 'robust', 'images'],
        perClass.map((one) => [
          code(className(data.classes, one.label)),
          percent(one.clean.rate),
          attacks.length > 0 ? percent(one.robust.rate) : '',
          grouped(one.clean.count),
        ]),
      ),
    );
  }
  if (warnings.length > 0) {
    parts.push(
      '### Warnings',
      bullets(warnings.map((warning) => `${code(warning.code)} ${prose(warning.message)}`)),
    );
  }
  return parts;
}

function threatModel({ threat }: Measured): string[] {
  const eps = prose(threat.epsText);
  const size = {
    linf: `no pixel value changes by more than ${eps}`,
    l2: `the change of all pixel values together has a Euclidean length of at most ${eps}`,
    l1: `the changes of all pixel values together come to at most ${eps}`,
  }[threat.norm];
  return [
    '## Threat model',
    `${threatText(threat)}: the attacker knows the network and its weights and may change each image so that ${size}, on a scale where black is 0 and white is 1; pixels stay in [0, 1].`,
  ];
}

function training({ training: trained, reproduce }: ModelCard): string[] {
  const { strategy, threat, data, epochs, passes: spent, seconds, config } = trained;
  return [
    '## Training',
    facts([
      ['strategy', strategy !== null && code(strategy)],
      ['threat model', threat !== null && prose(threat)],
      ['data', data.name !== null && code(data.name)],
      ['SHA-256 of the training images', data.sha256 !== null && code(data.sha256)],
      ['epochs', epochs !== null && String(epochs)],
      ['passes', spent && `${passes(spent.forward)} forward, ${passes(spent.backward)} backward`],
      ['time', seconds !== null && duration(seconds)],
    ]),
    ...(config === null
      ? []
      : [
          '<details><summary>Configuration</summary>',
          fenced(
            'yaml',
            renderConfig(config, () => ''),
          ),
          '</details>',
        ]),
    ...(reproduce.train === null ? [] : ['Again, from the same images:', fenced('sh', reproduce.train)]),
  ];
}

function measurement(evaluation: Measured): string[] {
  const { data, seed, device, machine, versions, createdAt, seconds, command } = evaluation;
  const { selfgrad, libtorch, node } = versions;
  return [
    '## Measurement',
    facts([
      ['data', `${code(data.name)}, ${prose(data.split)}, ${counted(data.count, 'image')}`],
      ['SHA-256 of the test images', code(data.sha256)],
      ['weights measured', evaluation.model.sha256 !== null && code(evaluation.model.sha256)],
      ['seed', String(seed)],
      ['machine', `${code(machine.cpu)}, ${counted(machine.threads, 'thread')}, ${prose(device)}`],
      ['versions', prose(`selfgrad ${selfgrad}, LibTorch ${libtorch}, Node ${node}`)],
      ['time', `${duration(seconds)}, ${prose(createdAt)}`],
    ]),
    ...(command === null ? [] : ['Again:', fenced('sh', command)]),
  ];
}

/** Writes the card as Markdown; names from data sets and files can neither format nor link. */
export function renderCard(card: ModelCard): string {
  const { model, evaluation, versions } = card;
  const { data } = card.training;
  const title = `# ${prose(model.architecture)}${data.name === null ? '' : ` on ${code(data.name)}`}`;
  return `${[
    title,
    headline(card),
    ...(evaluation === null ? [] : [...robustness(evaluation), ...threatModel(evaluation)]),
    '## Intended use',
    bullets(card.intendedUse.map(prose)),
    '## Limits',
    bullets(card.limits.map(prose)),
    '## Model',
    facts([
      ['architecture', code(model.architecture)],
      ['parameters', grouped(model.parameters)],
      ['operations of a forward pass', `${(model.flops / 1e6).toPrecision(3)} MFLOP`],
      ['input', `${model.shape.join(' × ')} (channels, height, width), pixels in [0, 1], normalised inside`],
      ['output', 'logits'],
      ['classes', model.classes.map(code).join(', ')],
      ['SHA-256 of the weights', model.sha256 !== null && code(model.sha256)],
    ]),
    ...training(card),
    ...(evaluation === null ? [] : measurement(evaluation)),
    `Written by selfgrad ${prose(versions.selfgrad)}.`,
  ].join('\n\n')}\n`;
}
