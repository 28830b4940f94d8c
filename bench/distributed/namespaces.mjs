/**
 * Ranks that only a network connects: a namespace of this machine for each, all at one bridge in another. Counts what
 * leaves each interface beside what the ranks counted themselves. Needs root and iproute2; nothing leaves the machine.
 *   node bench/distributed/namespaces.mjs [--ranks 2,4] [--out bench/results/distributed.json]
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { writeAtomic } from '../../dist/report/writeAtomic.js';
import { launch } from './launch.mjs';
import { table } from './table.mjs';

const { values: flags } = parseArgs({
  options: {
    ranks: { type: 'string', default: '2,4' },
    out: { type: 'string', default: 'bench/results/distributed.json' },
  },
});
const document = JSON.parse(readFileSync(flags.out, 'utf8'));
const { config: whole } = document.runs.find(({ network }) => network === 'preact-resnet');
/** Traffic is the same in every epoch: one, of fewer images, shows it. */
const config = { ...whole, data: { ...whole.data, trainCount: 1024 }, train: { ...whole.train, epochs: 1 } };

const ip = (...args) => execFileSync('ip', args, { encoding: 'utf8' });
const bridge = 'selfgrad-switch';
const nameOf = (rank) => `selfgrad-rank-${rank}`;
const address = (rank) => `10.213.0.${rank + 1}`;
const inside = (rank, ...command) => ['ip', 'netns', 'exec', nameOf(rank), ...command];
const run = ([command, ...args]) => execFileSync(command, args, { encoding: 'utf8' });
const bytesSent = (rank) => Number(run(inside(rank, 'cat', '/sys/class/net/eth0/statistics/tx_bytes')));

/** A namespace with an interface that is plugged into the bridge. */
function addHost(rank) {
  const port = `port${rank}`;
  ip('netns', 'add', nameOf(rank));
  ip('link', 'add', 'eth0', 'netns', nameOf(rank), 'type', 'veth', 'peer', 'name', port, 'netns', bridge);
  ip('-n', bridge, 'link', 'set', port, 'master', 'br0', 'up');
  run(inside(rank, 'ip', 'address', 'add', `${address(rank)}/24`, 'dev', 'eth0'));
  for (const device of ['lo', 'eth0']) run(inside(rank, 'ip', 'link', 'set', device, 'up'));
}

async function measure(count) {
  const ranks = Array.from({ length: count }, (_, rank) => rank);
  ip('netns', 'add', bridge);
  try {
    ip('-n', bridge, 'link', 'add', 'br0', 'type', 'bridge');
    ip('-n', bridge, 'link', 'set', 'br0', 'up');
    ranks.forEach(addHost);
    const before = ranks.map(bytesSent);
    const results = await launch({
      config,
      images: 0,
      ranks: ranks.map((rank) => inside(rank)),
      host: address(0),
    });
    return { config, ranks: results, sent: ranks.map((rank) => bytesSent(rank) - before[rank]) };
  } finally {
    for (const name of [...ranks.map(nameOf), bridge]) {
      try {
        ip('netns', 'delete', name);
      } catch {
        // It was not made.
      }
    }
  }
}

document.namespaces = [];
for (const count of flags.ranks.split(',').map(Number)) {
  document.namespaces.push(await measure(count));
  console.log(`${count} ranks sent ${document.namespaces.at(-1).sent.join(', ')} bytes`);
}
await writeAtomic(flags.out, `${JSON.stringify(document, null, 2)}\n`);
await writeAtomic(flags.out.replace(/\.json$/, '.md'), table(document));
