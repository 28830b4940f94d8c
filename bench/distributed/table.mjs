/** The tables of bench/results/distributed.md from the document of run.mjs and namespaces.mjs. */

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const sum = (values) => values.reduce((total, value) => total + value, 0);
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

const groupBy = (rows, key) =>
  Map.groupBy?.(rows, key) ??
  rows.reduce((map, row) => map.set(key(row), [...(map.get(key(row)) ?? []), row]), new Map());

function scaling(runs) {
  const groups = [...groupBy(runs, ({ network, worldSize }) => `${network} ${worldSize}`).values()];
  const alone = (network, seed) =>
    runs.find((run) => run.network === network && run.worldSize === 1 && run.seed === seed);
  const lines = groups
    .sort(([a], [b]) => a.network.localeCompare(b.network) || a.worldSize - b.worldSize)
    .map((group) => {
      const { network, worldSize } = group[0];
      const judged = group.map(({ ranks }) => ranks[0]);
      const all = group.flatMap(({ ranks }) => ranks);
      const cpu = group.map(
        (run) =>
          sum(run.ranks.map(({ cpuSeconds }) => cpuSeconds)) /
          sum(alone(network, run.seed).ranks.map(({ cpuSeconds }) => cpuSeconds)),
      );
      // Of all ranks together; the slowest decides.
      const rate = mean(
        group.map(({ ranks }) => ranks[0].passes.forward / Math.max(...ranks.map(({ seconds }) => seconds))),
      );
      const each = (key) => judged.map((rank) => (100 * rank[key]) / rank.images);
      return `| ${network} | ${worldSize} | ${mean(each('clean')).toFixed(1)} (${each('clean').join(', ')}) | ${mean(each('robust')).toFixed(1)} (${each('robust').join(', ')}) | ${judged[0].passes.forward} | ${rate.toFixed(0)} | ${kilobytes(mean(all.map(({ traffic, steps }) => traffic.bytes / steps)))} | ${Math.round(mean(all.map(({ traffic, steps }) => traffic.calls / steps)))} | ${percent(mean(all.map(({ traffic, seconds }) => traffic.seconds / seconds)))} | ${mean(cpu).toFixed(2)} |`;
    });
  return [
    '| network | ranks | clean % (seeds) | PGD-20 % (seeds) | forward passes | passes a second | sent a rank and step | messages a step | time waiting | processor time, of one rank’s |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

function namespaces(measured) {
  return [
    '| hosts | rank | counted | left the interface | |',
    '| --- | --- | --- | --- | --- |',
    ...measured.flatMap(({ ranks, sent }) =>
      ranks.map(
        ({ rank, traffic }) =>
          `| ${ranks.length} | ${rank} | ${kilobytes(traffic.bytes)} | ${kilobytes(sent[rank])} | ${(sent[rank] / traffic.bytes).toFixed(2)} times |`,
      ),
    ),
  ].join('\n');
}

/** Markdown. */
export function table({ machine, versions, runs, namespaces: networks }) {
  const { config } = runs[0];
  const parts = [
    '# Several processes that train together',
    `Made by \`node bench/distributed/run.mjs\` on ${machine.cpu}, ${machine.cores} cores with other work, selfgrad ${versions.selfgrad}, LibTorch ${versions.libtorch}. ${config.data.source}, ${config.train.epochs} epochs, batch ${config.train.batchSize} over all ranks, one thread a rank, ranks on the loopback.`,
    scaling(runs),
  ];
  if (networks)
    parts.push(
      '## Across a network',
      'Made by `node bench/distributed/namespaces.mjs`: a network namespace for each rank, all at one bridge. The interface counts headers and acknowledgements as well.',
      namespaces(networks),
    );
  return `${parts.join('\n\n')}\n`;
}
