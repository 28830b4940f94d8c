/** The live page of a run: the report's charts and cards, in regions that are drawn anew while it is looked at. */
import type { Config } from '../../config/config.ts';
import { formatEps } from '../../config/fraction.ts';
import type { Evaluation } from '../../evaluation.ts';
import type { TrainEvent } from '../../events.ts';
import { packageVersion } from '../../native/packageRoot.ts';
import { type LinePoint, lineChart } from '../../report/charts/lineChart.ts';
import { trainingCurve } from '../../report/charts/trainingCurve.ts';
import { examples } from '../../report/examples.ts';
import { clock, counted, grouped, passes, percent, threatText } from '../../report/format.ts';
import { headline } from '../../report/headline.ts';
import { trainingHistory } from '../../report/history.ts';
import { type Content, html, Markup } from '../../report/markup.ts';
import { renderPage, section } from '../../report/page.ts';
import { secondsLeft } from '../progress/line.ts';
import { livePart } from './script.ts';

/** What the page shows. */
export interface LiveState {
  config: Config;
  /** Of this run, those before an interruption included. */
  events: readonly TrainEvent[];
  /** The last look at the network: a few images under attack; null before the first checkpoint. */
  probe: Pick<Evaluation, 'examples' | 'data'> | null;
  /** Adversary quality (docs/stability.md) at each look, against passes. */
  quality: readonly LinePoint[];
  /** Why there are no examples, or null. */
  problem: string | null;
}

type EventOf<Type extends TrainEvent['type']> = Extract<TrainEvent, { type: Type }>;

function last<Type extends TrainEvent['type']>(
  events: readonly TrainEvent[],
  type: Type,
): EventOf<Type> | undefined {
  return events.findLast((event): event is EventOf<Type> => event.type === type);
}

function empty(text: string): Markup {
  return html`<p class="empty">${text}</p>`;
}

function stateText({ events }: LiveState): string {
  const end = last(events, 'end');
  if (end && events.at(-1) === end)
    return end.completed ? 'Training has ended.' : 'Stopped: the run can be resumed.';
  return last(events, 'start') ? 'Training.' : 'Loading the images.';
}

function progress({ events }: LiveState): Markup {
  const step = last(events, 'step');
  if (step === undefined) return empty('The first step is under way.');
  const ended = last(events, 'end');
  const figures: [string, string][] = [
    ['step', `${grouped(step.step)} of ${grouped(step.steps)}`],
    ['epoch', String(step.epoch)],
    ['loss', step.loss.toFixed(3)],
    ['learning rate', step.lr.toPrecision(3)],
    ['passes', passes(step.passes.backward)],
    ['images a second', grouped(step.imagesPerSecond)],
    ['time', clock(step.seconds)],
    ['time left', ended ? '0:00' : clock(secondsLeft(step.step, step.steps, step.seconds))],
  ];
  return html`<progress aria-label="steps done" max="${step.steps}" value="${step.step}"></progress><dl class="figures">${figures.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function accuracies({ events, config }: LiveState): Markup {
  const validation = last(events, 'eval');
  if (validation === undefined) {
    return empty(
      config.train.validate.every > 0
        ? 'Accuracies appear after the first validation.'
        : 'train.validate.every is 0: nothing is validated.',
    );
  }
  const { clean, robust, epoch } = validation;
  const note = `${counted(clean.count, 'validation image')}, epoch ${epoch}`;
  const { attack } = config.train.validate;
  return html`<div class="headlines">${headline('Clean accuracy', clean, 'clean', note)}${headline('Robust accuracy', robust, 'robust', `under ${attack.name}; ${note}`)}</div>`;
}

function qualityChart({ quality }: LiveState): Markup | null {
  const now = quality.at(-1);
  if (now === undefined) return null;
  return html`<div class="side-by-side"><figure>${lineChart({
    id: 'adversary-quality',
    title: 'Adversary quality',
    description: `One step reaches ${percent(now.y, 0)} of the gain of PGD at the last checkpoint.`,
    xLabel: 'forward + backward passes, all images',
    yLabel: 'share of the gain of PGD, median',
    yMax: 1,
    yFormat: (value) => percent(value, 0),
    series: [{ name: 'one step', tone: 'robust', points: quality }],
    marks: [],
  })}</figure></div>`;
}

function curves({ events }: LiveState): Markup {
  const history = trainingHistory(events);
  return history === null ? empty('Curves appear with the first steps.') : trainingCurve(history);
}

function notes({ events, problem }: LiveState): Markup | null {
  const texts = events.flatMap((event): [string, string][] => {
    if (event.type === 'warning') return [[event.code, event.message]];
    if (event.type !== 'alarm') return [];
    const { step, agreement, usual } = event;
    return [
      [
        'alarm',
        `step ${grouped(step)}: successive gradients agree ${agreement.toFixed(2)}, usually ${usual.toFixed(2)}: a sign of catastrophic overfitting, met with extra attack passes.`,
      ],
    ];
  });
  if (problem !== null) texts.push(['examples', problem]);
  if (texts.length === 0) return null;
  return html`<ul class="warnings">${texts.map(([name, text]) => html`<li><code>${name}</code> ${text}</li>`)}</ul>`;
}

function exampleCards({ probe }: LiveState): Markup {
  if (probe === null) return empty('Examples appear after the first checkpoint.');
  return probe.examples.length === 0 ? empty('The attack broke none of the images.') : examples(probe);
}

/** The parts that change, by the id of their element. */
const regions = {
  state: stateText,
  progress,
  notes,
  accuracies,
  curves,
  quality: (state: LiveState) => qualityChart(state) ?? empty('Measured after each checkpoint.'),
  examples: exampleCards,
} satisfies Record<string, (state: LiveState) => Content>;

type Region = keyof typeof regions;

/** Every region as it is now. */
export function renderRegions(state: LiveState): Record<Region, string> {
  const drawn = Object.entries(regions).map(([id, draw]) => [id, html`${draw(state)}`.text]);
  return Object.fromEntries(drawn) as Record<Region, string>;
}

/** The whole page as it is now. */
export function renderLivePage(state: LiveState, directory: string): string {
  const { model, data, threat, train, seed } = state.config;
  const now = renderRegions(state);
  const region = (id: Region) => html`<div id="${id}">${new Markup(now[id])}</div>`;
  const budget = threatText({ ...threat, epsText: formatEps(threat.eps) });
  return renderPage({
    title: `${directory}, training`,
    version: packageVersion,
    header: html`<p class="eyebrow">selfgrad · training</p>
<h1>${model.architecture} <span>on</span> ${data.source}</h1>
<ul class="subject"><li>${budget}</li><li>${train.strategy.name}</li><li>seed ${seed}</li><li>${directory}</li></ul>
<div class="controls"><button type="button" id="stop">Stop and save</button> <p id="state" role="status">${new Markup(now.state)}</p></div>
${region('progress')}
${region('notes')}
${region('accuracies')}`,
    main: [
      section(
        'training',
        'Training',
        'Against what it cost: each forward and each backward pass of one image counts as one. Clean and robust are on validation images, with 95 % bands; training is on the images as training perturbed them.',
        region('curves'),
      ),
      section(
        'adversary',
        'Adversary quality',
        'How much of what ten steps of PGD gain in loss a single step gains, on a few validation images. A sudden fall is the sign of catastrophic overfitting.',
        region('quality'),
      ),
      section(
        'attacked',
        'Examples',
        'Images that PGD breaks at the last checkpoint: original, adversarial image and amplified difference.',
        region('examples'),
      ),
    ],
    footer: `selfgrad ${packageVersion}. This page is served by the run itself and ends with it; what it showed last stays.`,
    script: livePart,
  });
}
