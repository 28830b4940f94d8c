/** Which rank a process is, from the environment of each launcher, and what is said when it is wrong. */
import { expect, it, vi } from 'vitest';
import { resolveThreads } from '../../src/config/device.ts';
import { addressTowards, checkSameRun, deviceOfRank, rankFromEnvironment } from '../../src/distributed.ts';
import type { NativeWorld } from '../../src/native/trainBinding.ts';

vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  availableParallelism: () => 8,
}));

const torchrun = {
  RANK: '0',
  WORLD_SIZE: '4',
  LOCAL_RANK: '0',
  LOCAL_WORLD_SIZE: '2',
  MASTER_ADDR: 'node-0',
  MASTER_PORT: '1234',
  TORCHELASTIC_USE_AGENT_STORE: 'True',
  TORCHELASTIC_RESTART_COUNT: '2',
};

it('reads the environment of torchrun, which listens itself', () => {
  expect(rankFromEnvironment(torchrun)).toEqual({
    rank: 0,
    worldSize: 4,
    localWorldSize: 2,
    localRank: 0,
    host: 'node-0',
    port: 1234,
    serves: false,
    attempt: '2',
    network: '',
  });
});

it('reads the environment of a PyTorchJob, where rank 0 listens', () => {
  const { RANK, WORLD_SIZE, MASTER_ADDR } = torchrun;
  const job = { RANK, WORLD_SIZE, MASTER_ADDR, GLOO_SOCKET_IFNAME: 'eth0' };
  expect(rankFromEnvironment(job)).toMatchObject({
    serves: true,
    port: 29500,
    attempt: '0',
    network: 'eth0',
  });
  expect(rankFromEnvironment({ ...job, RANK: '3' })).toMatchObject({ rank: 3, serves: false });
});

it('reads the environment of Slurm, and prefers RANK within it', () => {
  const slurm = { SLURM_PROCID: '5', SLURM_NTASKS: '8', MASTER_ADDR: 'n1', SLURM_RESTART_COUNT: '1' };
  expect(rankFromEnvironment(slurm)).toMatchObject({ rank: 5, worldSize: 8, attempt: '1', localRank: 0 });
  expect(rankFromEnvironment({ ...slurm, SLURM_LOCALID: '1' })).toMatchObject({ localRank: 1 });
  expect(rankFromEnvironment({ ...torchrun, LOCAL_RANK: '1', SLURM_LOCALID: '3' })).toMatchObject({
    localRank: 1,
  });
  expect(rankFromEnvironment({ ...slurm, ...torchrun })).toMatchObject({ rank: 0, worldSize: 4 });
});

it('needs no meeting place for a world of one', () => {
  expect(rankFromEnvironment({ RANK: '0', WORLD_SIZE: '1' })).toMatchObject({ worldSize: 1, host: '' });
});

it.each([
  [
    {},
    'Expected RANK and WORLD_SIZE, or SLURM_PROCID and SLURM_NTASKS, in the environment for distributed. Start the ranks by torchrun, srun or a PyTorchJob, or set the variables yourself.',
  ],
  [
    { RANK: '0', WORLD_SIZE: '2' },
    'Expected MASTER_ADDR for a world of 2 ranks. Set it to the name or address of the machine of rank 0; under Slurm: export MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1).',
  ],
  [
    { RANK: '2', WORLD_SIZE: '2' },
    "Expected an integer in [0, 1] for RANK but received '2'. A launcher sets it: torchrun, srun, or a PyTorchJob.",
  ],
  [
    { RANK: '0' },
    "Expected an integer in [1, 65535] for WORLD_SIZE but received ''. A launcher sets it: torchrun, srun, or a PyTorchJob.",
  ],
  [
    { RANK: '0', WORLD_SIZE: '2', MASTER_ADDR: 'a', MASTER_PORT: '70000' },
    "Expected an integer in [1, 65535] for MASTER_PORT but received '70000'. A launcher sets it: torchrun, srun, or a PyTorchJob.",
  ],
])('refuses %j', (env, message) => {
  expect(() => rankFromEnvironment(env)).toThrow(message);
});

it('takes the address by which the others are reached', async () => {
  expect(await addressTowards('127.0.0.1', 29500)).toBe('127.0.0.1');
  await expect(addressTowards('no.such.host.invalid', 29500)).rejects.toMatchObject({
    code: 'ERR_RENDEZVOUS',
    message: expect.stringMatching(
      /^Found no way to MASTER_ADDR no\.such\.host\.invalid: .*ENOTFOUND|EAI_AGAIN/,
    ),
  });
});

it('shares the cores out among the ranks of a machine', () => {
  expect(resolveThreads('auto', 2)).toBe(4);
  expect(resolveThreads('auto', 16)).toBe(1);
  expect(resolveThreads(3, 2)).toBe(3);
});

/** A world whose ranks say this. */
function saying(...texts: string[]): NativeWorld {
  return { texts: () => ({ promise: Promise.resolve(texts), cancel: () => {} }), dispose: () => {} };
}

it('passes ranks that do the same', async () => {
  await checkSameRun(saying('{"seed":0}', '{"seed":0}'), '{"seed":0}');
});

it.each([
  ['{"train":{"lr":0.1}}', '{"train":{"lr":0.2}}', 'train.lr is 0.1 on rank 0 and 0.2 on rank 1'],
  ['{"a":1}', '{"a":1,"b":[true]}', 'b.0 is nothing on rank 0 and true on rank 1'],
])('names what differs between %s and %s', async (first, second, what) => {
  await expect(checkSameRun(saying(first, second), first)).rejects.toThrow(
    `Expected the same run on every rank but ${what}. Start all ranks with the same configuration, data and version of selfgrad.`,
  );
});

it('says what to do about ranks of which some have a GPU', async () => {
  const [first, second] = ['{"device":"cuda"}', '{"device":"cpu"}'];
  await expect(checkSameRun(saying(first, second), first)).rejects.toThrow(
    'Expected the same run on every rank but device is "cuda" on rank 0 and "cpu" on rank 1. See what selfgrad doctor says on each machine, or write device=cpu.',
  );
});

it('refuses one GPU for the ranks of a machine', () => {
  const { LOCAL_WORLD_SIZE: _, ...unsaid } = torchrun;
  for (const env of [torchrun, { ...unsaid, LOCAL_RANK: '1' }]) {
    expect(() => deviceOfRank('cuda:0', rankFromEnvironment(env))).toThrow(
      'Expected auto or cpu for device where several ranks share a machine but received cuda:0. Write device=auto: each rank takes the GPU that LOCAL_RANK names.',
    );
  }
  expect(deviceOfRank('cpu', rankFromEnvironment(torchrun))).toEqual({ device: 'cpu', note: null });
});
