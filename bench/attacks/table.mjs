/** The timings in Markdown: a table for each model; ratios within a repetition, medians with their range. */
import { spread } from '../speed/summary.mjs';

const round = (value) => Number(value.toPrecision(3));

function line(row, contender) {
  const seconds = row.repetitions.map((repetition) => repetition[contender].cpuSeconds);
  const ratio = spread(row.repetitions.map((r) => r[contender].cpuSeconds / r.selfgrad.cpuSeconds));
  const ratios =
    contender === 'selfgrad' ? '' : `${round(ratio.median)} (${round(ratio.min)} … ${round(ratio.max)})`;
  const cells = [
    row.case,
    contender,
    row.count,
    row.repetitions[0][contender].robust,
    round(spread(seconds).median),
    ratios,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** @returns the document; nothing in it is not in `rows` */
export function renderAttacks(rows) {
  const names = [...new Set(rows.map(({ model }) => model.name))];
  const sections = names.map((name) => {
    const own = rows.filter(({ model }) => model.name === name);
    const { model, data, machine, versions } = own[0];
    return [
      `## ${name}`,
      `${model.parameters} parameters; ${data.name}${data.note ? ` (${data.note})` : ''}, the first test images; ${machine.cpu}, threads: ${machine.threads}; selfgrad ${versions.selfgrad}, LibTorch ${versions.libtorch}; ${own[0].repetitions.length} repetitions.`,
      [
        '| attack | contender | images | robust | CPU seconds | to selfgrad |',
        '| --- | --- | --- | --- | --- | --- |',
        ...own.flatMap((row) =>
          Object.keys(row.repetitions[0])
            .toSorted()
            .map((one) => line(row, one)),
        ),
      ].join('\n'),
    ].join('\n\n');
  });
  return [
    '# Time of attacks',
    'Written by `bench/attacks/run.mjs` from `attacks.json`. CPU seconds of a whole evaluation, clean pass, confirmation and recount included; medians. “To selfgrad”: CPU time over ours within a repetition, median (least … greatest); above 1 selfgrad is faster. “Without”: ours with one lever off.',
    ...sections,
  ].join('\n\n');
}
