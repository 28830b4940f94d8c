/** The comparison in Markdown: a table for each model, its conditions in a line above. */

const percent = (part, whole) => ((100 * part) / whole).toFixed(1);

function row({ case: name, peer, stages, cpuSeconds, settings }, usual) {
  const own = settings.norm !== usual.norm || settings.epsText !== usual.epsText;
  const called = own ? `${name} (${settings.norm} ${settings.epsText})` : name;
  return stages.map(({ attack, count, ours, theirs, onlyWeBroke, onlyTheyBroke }, i) => {
    const last = i === stages.length - 1;
    return [
      stages.length > 1 ? `${called}, after ${attack}` : called,
      peer,
      count,
      percent(ours, count),
      percent(theirs, count),
      percent(count - onlyWeBroke - onlyTheyBroke, count),
      onlyWeBroke,
      onlyTheyBroke,
      last ? `${Math.round(cpuSeconds.ours)} / ${Math.round(cpuSeconds.theirs)}` : '',
    ];
  });
}

const header = [
  'attack',
  'peer',
  'images',
  'robust % ours',
  'robust % theirs',
  'equal verdicts %',
  'only we broke',
  'only they broke',
  'CPU seconds ours / theirs',
];

/** @param rows those of parity.json */
export function renderParity(rows) {
  return [...new Set(rows.map(({ model }) => model.name))]
    .map((name) => {
      const own = rows.filter(({ model }) => model.name === name);
      const [{ model, data, settings, machine, versions }] = own;
      const peers = Object.assign({}, ...own.map((one) => one.versions.peers));
      const cells = [header, header.map(() => '---'), ...own.flatMap((one) => row(one, settings))];
      return [
        `## ${name}`,
        `${model.architecture}, ${model.parameters} parameters, ${model.strategy ?? 'training unknown'}; ${data.name}${data.note ? ` (${data.note})` : ''}, the first test images, ${settings.norm} ${settings.epsText}.`,
        `${machine.cpu}, ${machine.cores} cores, ${machine.threads} ${machine.threads === 1 ? 'thread' : 'threads'}; selfgrad ${versions.selfgrad}, LibTorch ${versions.libtorch}; ${Object.entries(
          peers,
        )
          .map(([peer, version]) => `${peer} ${version}`)
          .join(', ')}.`,
        cells.map((line) => `| ${line.join(' | ')} |`).join('\n'),
      ].join('\n\n');
    })
    .join('\n\n');
}
