/**
 * Two ranks that only a network connects: two namespaces of this machine with a veth pair between them. Counts what
 * leaves each interface beside what the ranks counted themselves. Needs root and iproute2; nothing leaves the machine.
 *   node bench/distributed/namespaces.mjs [--out bench/results/distributed.json]
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { writeAtomic } from '../../dist/report/writeAtomic.js';
import { launch } from './launch.mjs';
import { table } from './table.mjs';

const { values: flags } = parseArgs({
  options: { out: { type: 'string', default: 'bench/results/distributed.json' } },
});
const document = JSON.parse(readFileSync(flags.out, 'utf8'));
const { config: whole } = document.runs.find(({ network }) => network === 'preact-resnet');
/** Traffic is the same in every epoch: one, of fewer images, shows it. */
const config = { ...whole, data: { ...whole.data, trainCount: 1024 }, train: { ...whole.train, epochs: 1 } };

const names = ['selfgrad-rank-0', 'selfgrad-rank-1'];
const interfaces = ['selfgrad-eth0', 'selfgrad-eth1'];
const ip = (...args) => execFileSync('ip', args, { encoding: 'utf8' });
const inside = (rank, ...command) => ['ip', 'netns', 'exec', names[rank], ...command];
const run = ([command, ...args]) => execFileSync(command, args, { encoding: 'utf8' });
const bytesSent = (rank) =>
  Number(run(inside(rank, 'cat', `/sys/class/net/${interfaces[rank]}/statistics/tx_bytes`)));

for (const name of names) ip('netns', 'add', name);
try {
  ip(
    'link',
    'add',
    interfaces[0],
    'netns',
    names[0],
    'type',
    'veth',
    'peer',
    'name',
    interfaces[1],
    'netns',
    names[1],
  );
  for (const rank of [0, 1]) {
    run(inside(rank, 'ip', 'address', 'add', `10.213.0.${rank + 1}/24`, 'dev', interfaces[rank]));
    for (const device of ['lo', interfaces[rank]]) run(inside(rank, 'ip', 'link', 'set', device, 'up'));
  }
  const before = [0, 1].map(bytesSent);
  const ranks = await launch({
    config,
    images: 0,
    ranks: [0, 1].map((rank) => inside(rank)),
    host: '10.213.0.1',
  });
  const sent = [0, 1].map((rank) => bytesSent(rank) - before[rank]);
  document.namespaces = { config, ranks, sent };
  await writeAtomic(flags.out, `${JSON.stringify(document, null, 2)}\n`);
  await writeAtomic(flags.out.replace(/\.json$/, '.md'), table(document));
  console.log(JSON.stringify(document.namespaces.sent));
} finally {
  for (const name of names) ip('netns', 'delete', name);
}
