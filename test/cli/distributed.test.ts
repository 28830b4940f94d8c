/** Several processes of `selfgrad train`: the single process's result, one voice, and an end when a rank ends. */
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder as sharedFolder } from '../native/tiny.ts';
import { freePort, launch } from './ranks.ts';
import { selfgrad } from './selfgrad.ts';

const folder = sharedFolder();
const options = [
  ...['threads=1', 'data.trainCount=200', 'data.validation=0.2', 'threat.eps=0.1', 'train.batchSize=32'],
  ...['model.architecture=preact-resnet', 'model.depths=[1]', 'model.width=4', 'train.epochs=2'],
  ...['train.validate.count=20', 'train.strategy={name: self-gradient, relay: 2}'],
];
const run = (out: string, more: string[] = []) => ['train', '--out', join(folder, out), ...options, ...more];

/** The tensors of a model file. */
function tensors(out: string): Map<string, Float32Array> {
  const bytes = readFileSync(join(folder, out, 'model.safetensors'));
  const begin = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__, ...entries } = JSON.parse(bytes.toString('utf8', 8, begin)) as Record<
    string,
    { dtype: string; data_offsets: [number, number] }
  >;
  return new Map(
    Object.entries(entries)
      .filter(([, { dtype }]) => dtype === 'F32')
      .map(
        ([
          name,
          {
            data_offsets: [from, to],
          },
        ]) => [name, new Float32Array(new Uint8Array(bytes.subarray(begin + from, begin + to)).buffer)],
      ),
  );
}

/** Calls `act` once, when rank 0 has told of an event of this type. */
function atFirst(type: string, act: () => void) {
  let done = false;
  return (_: ChildProcess, stderr: string) => {
    if (done || !stderr.includes(`"type":"${type}"`)) return;
    done = true;
    act();
  };
}

const spoken = ['--progress', 'json'];

describe('selfgrad train --distributed', () => {
  it('ends with the weights and passes of a single process', async () => {
    const alone = await selfgrad(run('alone', ['--json', '-q']));
    const [first, second] = await launch([
      { args: run('ranks', ['--json', '-q']) },
      { args: run('rank 1', ['--json']) },
    ]);
    expect(alone.stderr + first!.stderr).toBe('');
    expect(second).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(existsSync(join(folder, 'rank 1'))).toBe(false);
    const [one, two] = [JSON.parse(alone.stdout), JSON.parse(first!.stdout)];
    expect(two.passes).toEqual(one.passes);
    expect(two.steps).toBe(one.steps);
    expect(one.distributed).toBeNull();
    expect(two.distributed).toMatchObject({ rank: 0, worldSize: 2 });
    expect(two.distributed.traffic.bytes).toBeGreaterThan(0);
    expect(two.history.filter(({ type }: { type: string }) => type === 'eval')).toHaveLength(
      one.history.filter(({ type }: { type: string }) => type === 'eval').length,
    );
    const [expected, found] = [tensors('alone'), tensors('ranks')];
    expect([...found.keys()]).toEqual([...expected.keys()]);
    for (const [name, values] of found)
      values.forEach((value, i) => {
        // Rounding differs by the shape of a batch, and training amplifies it.
        expect(Math.abs(value - expected.get(name)![i]!), name).toBeLessThan(5e-3);
      });
  });

  it('ends every rank when one is killed, and goes on from the last checkpoint to the same weights', async () => {
    const long = ['train.epochs=3', 'train.checkpoint.every=1'];
    await launch([{ args: run('unbroken', long) }, { args: run('unbroken', long) }]);
    let victim: ChildProcess | undefined;
    const [first, second] = await launch([
      {
        args: run('killed', [...long, ...spoken]),
        onStderr: atFirst('checkpoint', () => victim?.kill('SIGKILL')),
      },
      {
        args: run('killed', long),
        onStart: (child) => {
          victim = child;
        },
      },
    ]);
    expect(second!.status).toBeNull();
    expect(first!.status).toBe(75);
    expect(first!.stderr).toMatch(
      new RegExp(
        `ERR_RANK {2}Rank 0 of 2 waits for another that has ended or does not answer: .*\\. See what the other ranks say\\. To go on: selfgrad train --resume ${join(folder, 'killed')}\n$`,
      ),
    );
    const resume = ['train', '--resume', join(folder, 'killed')];
    const outcomes = await launch([{ args: resume }, { args: resume }]);
    expect(outcomes.map(({ status }) => status)).toEqual([0, 0]);
    expect(tensors('killed')).toEqual(tensors('unbroken'));
  });

  it('stops all ranks together when one is asked to, and can be resumed by fewer', async () => {
    let asked: ChildProcess | undefined;
    const long = ['train.epochs=200'];
    const [first, second] = await launch([
      {
        args: run('stopped', [...long, ...spoken]),
        onStderr: atFirst('epoch', () => asked?.kill('SIGTERM')),
      },
      {
        args: run('stopped', long),
        onStart: (child) => {
          asked = child;
        },
      },
    ]);
    expect([first!.status, second!.status]).toEqual([75, 75]);
    expect(second!.stderr).toBe('Interrupted by SIGTERM.\n');
    expect(first!.stderr).toMatch(
      /ERR_RANK {2}Another rank was asked to stop: all ranks stopped together after step \d+ of \d+\. To go on: /,
    );
    const plan = await selfgrad(['train', '--resume', join(folder, 'stopped'), '--dry-run']);
    expect(plan.status).toBe(0);
  });

  it('refuses ranks of different configurations, on every rank', async () => {
    const outcomes = await launch([{ args: run('odd', ['-q']) }, { args: run('odd', ['train.lr=0.3']) }]);
    for (const { status, stderr } of outcomes) {
      expect(stderr).toMatch(
        /^ERR_OPTION {2}Expected the same run on every rank but train\.lr is [\d.]+ on rank 0 and 0\.3 on rank 1\. Start all ranks with the same configuration, data and version of selfgrad\.\n$/,
      );
      expect(status).toBe(2);
    }
    expect(existsSync(join(folder, 'odd'))).toBe(false);
  });

  it('refuses an environment without a meeting place', async () => {
    const { status, stderr } = await selfgrad(run('nowhere', ['--distributed']), {
      env: { RANK: '0', WORLD_SIZE: '2' },
    });
    expect(stderr).toMatch(/^ERR_OPTION {2}Expected MASTER_ADDR for a world of 2 ranks\. /);
    expect(status).toBe(2);
  });

  it('does not wait for ever for ranks that do not come', async () => {
    const port = String(await freePort());
    const { status, stderr } = await selfgrad(
      run('alone at last', ['--distributed', '--rank-timeout', '0.2', '-q']),
      {
        env: { RANK: '0', WORLD_SIZE: '3', MASTER_ADDR: '127.0.0.1', MASTER_PORT: port },
      },
    );
    expect(stderr).toBe(
      `ERR_RENDEZVOUS  Of 3 ranks these did not come to 127.0.0.1:${port} within 0.2 s: 1, 2. Start all ranks, with the same MASTER_ADDR, MASTER_PORT and WORLD_SIZE.\n`,
    );
    expect(status).toBe(4);
  });

  it('is a single process in a world of one, to the byte', async () => {
    const alone = await selfgrad(run('one', ['-q']));
    const world = await selfgrad(run('world of one', ['-q', '--distributed']), {
      env: { RANK: '0', WORLD_SIZE: '1' },
    });
    expect([alone.status, world.status]).toEqual([0, 0]);
    expect(tensors('world of one')).toEqual(tensors('one'));
  });
});
