/** The measurements in Markdown: for each network the rates with their ratios, then shares of the peak and memory. */
import { cases, contenders } from './cases.mjs';
import { peakOf } from './summary.mjs';

const names = { selfgrad: 'selfgrad', eager: 'eager', compile: '`torch.compile`' };
const peers = contenders.slice(1);
const number = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
const mebibytes = (bytes) => Math.round(bytes / 2 ** 20);
const ratio = ({ median, min, max }) => `${median.toFixed(2)} (${min.toFixed(2)} … ${max.toFixed(2)})`;

function table(header, rows) {
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function rateTable(results) {
  const header = [
    'case',
    'precision',
    ...contenders.map((name) => `${names[name]}, images/s`),
    ...peers.map((name) => `to ${names[name]}`),
    ...peers.map((name) => `CPU time, to ${names[name]}`),
  ];
  const rows = results.flatMap(({ case: name, precision, summary }) => {
    const { title, equalPasses } = cases[name];
    const rates = contenders.map((who) => {
      const { median, q1, q3 } = summary[who].imagesPerSecond;
      return `${number(median)} (${number(q1)} … ${number(q3)})`;
    });
    const ratios = (which) => peers.map((who) => ratio(summary.ratios[who][which]));
    const row = [title, precision, ...rates, ...ratios('images'), ...ratios('cpu')];
    if (!equalPasses) return [row];
    const none = ['–', '–', '–'];
    return [row, [equalPasses, precision, ...none, ...ratios('work'), '–', '–']];
  });
  return table(header, rows);
}

function limitTable(results, all) {
  const header = [
    'case',
    'precision',
    ...contenders.map((name) => `${names[name]}, GFLOP/s`),
    ...contenders.map((name) => `${names[name]}, MiB`),
  ];
  const rows = results.map((result) => {
    const peak = peakOf(all, result);
    const { case: name, precision, summary } = result;
    return [
      cases[name].title,
      precision,
      ...contenders.map((who) => {
        const { median } = summary[who].gflops;
        return `${number(median)} (${((100 * median) / peak).toFixed(0)} %)`;
      }),
      ...contenders.map((who) => {
        const { peakBytes, startBytes } = summary[who];
        return `${mebibytes(peakBytes)} (+${mebibytes(peakBytes - startBytes)})`;
      }),
    ];
  });
  return table(header, rows);
}

/** What PGD-20 cost an image and how many withstood, of the last repetition: it is the same in all. */
function evaluationNote(results) {
  const result = results.find(({ case: name }) => cases[name].equalPasses);
  if (!result) return [];
  const { selfgrad, eager } = result.repetitions.at(-1);
  const each = ({ images, passes }) => ((passes.forward + passes.backward) / images).toFixed(1);
  const standing = ({ standing: share }) => `${(100 * share).toFixed(0)} %`;
  return [
    `PGD-20 took selfgrad ${each(selfgrad)} forwards and backwards an image, PyTorch ${each(eager)}; ${standing(selfgrad)} and ${standing(eager)} of the images stood.`,
  ];
}

/** The text of speed.md. */
export function renderTables(results) {
  const unique = (value) => [...new Set(results.map(value))].join('; ');
  const peaks = new Set(
    results.map(
      (result) =>
        `${number(peakOf(results, result))} GFLOP/s in ${result.precision} (threads: ${result.settings.threads})`,
    ),
  );
  const parts = [
    '# Speed against PyTorch',
    'Written by `node bench/speed/draw.mjs` from `speed.json`, which holds every single measurement. Do not edit.',
    [
      `- Machine: ${unique(({ settings: { machine } }) => `${machine.cpu}, ${machine.cores} cores, threads used: ${machine.threads}`)}. Load before the measurements: ${loads(results)}.`,
      `- Versions: ${unique(({ settings: { versions: v } }) => `selfgrad ${v.selfgrad} on LibTorch ${v.libtorch}, Node ${v.node}; PyTorch ${v.torch}, ${v.compiler}`)}.`,
      `- Batches of ${unique(({ settings }) => settings.batch)}; ${unique(({ repetitions }) => repetitions.length)} repetitions, in each of them one process of every contender after the other, in rotating order. A warm-up of the same shapes goes before each measurement and is left out; so is compiling.`,
      '- Images a second: median (quartiles). Ratios: selfgrad to the other within a repetition, median (least … greatest); above 1 selfgrad is faster. By CPU time, neighbours on the machine disturb less.',
      '- Training steps are whole: images, crop and mirroring, attack, memory, optimiser. The contenders of a case did the same number of forwards and backwards, which is checked. Self-gradient training is with its defaults (relay 2, no attack passes).',
      "- PGD-20 evaluation: PyTorch takes 20 steps for every image. selfgrad lets an image go at its first misclassified iterate, and confirms and recounts what was broken; “equal passes” compares forwards and backwards a second. Labels are the network's own predictions, so that every image is attacked.",
      `- GFLOP/s: the forward's convolutions and linear layers, times the forwards, backwards to the image and backwards to the weights. The peak is the best of several large convolutions in any repetition: ${[...peaks].join(', ')}.`,
      '- MiB: resident memory at its peak, and how much of it came after the libraries were loaded. The PyTorch build that was measured may load CUDA libraries that it does not use.',
    ].join('\n'),
    '![Ratios with their spread](speed.svg)',
  ];
  for (const network of new Set(results.map((result) => result.network))) {
    const own = results.filter((result) => result.network === network);
    const { flops, settings } = own[0];
    const { model, crop } = settings;
    parts.push(
      `## ${network}`,
      `${model.architecture} of ${model.depths.join('-')} blocks, width ${model.width}, ${model.activation}, crop ${crop}: ${number(flops / 1e6)} MFLOP a forward.`,
      rateTable(own),
      limitTable(own, results),
      ...evaluationNote(own),
    );
  }
  return `${parts.join('\n\n')}\n`;
}

function loads(results) {
  const all = results.flatMap(({ repetitions }) =>
    repetitions.flatMap((one) => Object.values(one).map(({ load }) => load)),
  );
  return `${Math.min(...all).toFixed(1)} … ${Math.max(...all).toFixed(1)}`;
}
