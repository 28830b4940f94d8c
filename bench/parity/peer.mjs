/** Runs peers.py. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const text = (value) => ({ type: 'string', default: value });
/** Flags of every script that runs peers. */
export const peerFlags = {
  python: text('python3'),
  model: { type: 'string', multiple: true, default: [] },
  source: text('cifar10'),
  path: { type: 'string' },
  note: { type: 'string' },
  threads: text('1'),
};

/** What peers.py is asked: `model` are the options of one of ours, `pixels` the file of bytes, `threat` with a number. */
export function peerTask(task) {
  const { peer, attacks, version = 'standard', pixels, labels, weights, model, threat } = task;
  const { batch = 200, threads } = task;
  const { depths, baseWidth: width, activation } = model;
  const [above, below = 1] = String(threat.eps).split('/').map(Number);
  return {
    peer,
    attacks,
    version,
    images: pixels,
    labels,
    weights,
    model: { depths, width, activation },
    norm: threat.norm,
    eps: above / below,
    batch,
    threads,
  };
}

/** Its answer: the verdicts after each attack, CPU seconds and versions. */
export function runPeer(python, task) {
  // The same waiting policy as ours: spinning workers measure the neighbours of a shared machine.
  const env = { ...process.env, OMP_WAIT_POLICY: 'PASSIVE', OMP_NUM_THREADS: String(task.threads) };
  const script = join(import.meta.dirname, 'peers.py');
  const printed = execFileSync(python, [script, JSON.stringify(task)], {
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(printed.trim().split('\n').at(-1));
}
