/** Two ranks on two GPUs, on a machine that has them: a single process's result, and an end when one is killed. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findAddon, findGpus } from '../../src/native/load.ts';
import { launch } from '../cli/ranks.ts';
import { selfgrad } from '../cli/selfgrad.ts';
import { temporaryFolder } from '../native/tiny.ts';

const folder = temporaryFolder();
const gpus = findGpus(findAddon())?.count ?? 0;
if (gpus < 2) console.log('one GPU: ranks on two were not tried');

const run = (out: string, more: string[]) => [
  ...['train', '--out', join(folder, out), 'threads=1', 'data.trainCount=400', 'threat.eps=0.1'],
  ...['model.architecture=preact-resnet', 'model.depths=[1]', 'model.width=4', 'train.batchSize=40'],
  ...['train.strategy={name: self-gradient, relay: 2}', 'train.validate.every=0', ...more],
];

describe.skipIf(gpus < 2)('two ranks on two GPUs', () => {
  it('train as a single process does', async () => {
    const more = ['train.epochs=2', '--json', '-q'];
    const alone = await selfgrad(run('alone', [...more, '--device', 'cuda:0']));
    const ranks = await launch([{ args: run('ranks', more) }, { args: run('rank 1', more) }]);
    expect(ranks.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
      Array(2).fill({ status: 0, stderr: '' }),
    );
    const losses = [alone, ranks[0]!].map(({ stdout }) =>
      (JSON.parse(stdout).history as { type: string; loss: number }[])
        .filter(({ type }) => type === 'epoch')
        .map(({ loss }) => loss),
    );
    losses[1]!.forEach((loss, epoch) => {
      expect(loss).toBeCloseTo(losses[0]![epoch]!, 2);
    });
  });

  it('end with a message and a checkpoint when one is killed', async () => {
    const more = ['train.epochs=100000', 'train.checkpoint.every=1', '--progress', 'json'];
    let kill = () => {};
    const [first] = await launch([
      {
        args: run('killed', more),
        onStderr: (_, stderr) => {
          if (stderr.includes('"type":"checkpoint"')) kill();
        },
      },
      {
        args: run('killed too', more),
        onStart: (child) => {
          kill = () => child.kill('SIGKILL');
        },
      },
    ]);
    expect(first!.status).toBe(75);
    expect(first!.stderr).toContain('ERR_RANK  Rank 0 of 2 waits for another that has ended');
    expect(first!.stderr).toContain(`To go on: selfgrad train --resume ${join(folder, 'killed')}`);
  });
});
