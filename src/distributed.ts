/** Training by several processes: who this process is, how it finds the others, and whether all do the same. */
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import type { Device } from './config/device.ts';
import { SelfgradError } from './errors.ts';
import { awaitRun } from './native/awaitRun.ts';
import { type ChosenDevice, chooseDevice } from './native/device.ts';
import { loadBinding } from './native/load.ts';
import type { NativeWorld } from './native/trainBinding.ts';

/** This process among the ranks of a run. */
export interface Rank {
  /** 0 … worldSize - 1. Rank 0 alone reads and writes the run directory. */
  rank: number;
  worldSize: number;
  /** Ranks on this machine, where the launcher says so; 1 else. They share its cores. */
  localWorldSize: number;
  /** Which of the ranks of this machine, where the launcher says so; 0 else. Names the GPU. */
  localRank: number;
  /** Where the ranks find each other; empty for a world of one. */
  host: string;
  port: number;
  /** This process listens there: rank 0, unless the launcher does. */
  serves: boolean;
  /** Which start of the run this is, for launchers that start it again. */
  attempt: string;
  /** Network interface of this machine to use; '' for the one that leads to `host`. */
  network: string;
}

/**
 * Where a rank computes, ready to be used: with `auto` on the GPU that its place on the machine names.
 *
 * @throws SelfgradError `ERR_OPTION` for one GPU for several ranks; `ERR_DEVICE`, `ERR_ADDON`, `ERR_LIBTORCH`
 */
export function deviceOfRank(device: Device, rank: Rank | null): ChosenDevice {
  const { localWorldSize, localRank } = rank ?? { localWorldSize: 1, localRank: 0 };
  if (device.startsWith('cuda:') && (localWorldSize > 1 || localRank > 0)) {
    throw new SelfgradError(
      'ERR_OPTION',
      `Expected auto or cpu for device where several ranks share a machine but received ${device}.`,
      { fix: 'Write device=auto: each rank takes the GPU that LOCAL_RANK names.' },
    );
  }
  return chooseDevice(device, localRank);
}

type Environment = Readonly<Record<string, string | undefined>>;

/** PyTorch's own. */
const defaultPort = 29500;

function count(env: Environment, name: string, least: number, below: number): number {
  const text = env[name] ?? '';
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value < below) return value;
  throw new SelfgradError(
    'ERR_OPTION',
    `Expected an integer in [${least}, ${below - 1}] for ${name} but received '${text}'.`,
    { fix: 'A launcher sets it: torchrun, srun, or a PyTorchJob.' },
  );
}

/**
 * The rank that the environment of torchrun, Kubeflow (`RANK`, `WORLD_SIZE`, `MASTER_ADDR`, `MASTER_PORT`) or Slurm
 * (`SLURM_PROCID`, `SLURM_NTASKS`) gives this process.
 *
 * @throws SelfgradError `ERR_OPTION` naming the variable that is missing or wrong
 */
export function rankFromEnvironment(env: Environment = process.env): Rank {
  const names = [
    ['RANK', 'WORLD_SIZE'],
    ['SLURM_PROCID', 'SLURM_NTASKS'],
  ] as const;
  const pair = names.find((pair) => pair.some((name) => env[name] !== undefined));
  if (pair === undefined) {
    throw new SelfgradError(
      'ERR_OPTION',
      'Expected RANK and WORLD_SIZE, or SLURM_PROCID and SLURM_NTASKS, in the environment for distributed.',
      { fix: 'Start the ranks by torchrun, srun or a PyTorchJob, or set the variables yourself.' },
    );
  }
  const worldSize = count(env, pair[1], 1, 2 ** 16);
  const localWorldSize = env.LOCAL_WORLD_SIZE === undefined ? 1 : count(env, 'LOCAL_WORLD_SIZE', 1, 2 ** 16);
  const local = ['LOCAL_RANK', 'SLURM_LOCALID'].find((name) => env[name] !== undefined);
  const rank = count(env, pair[0], 0, worldSize);
  const host = env.MASTER_ADDR ?? '';
  if (worldSize > 1 && host === '') {
    throw new SelfgradError('ERR_OPTION', `Expected MASTER_ADDR for a world of ${worldSize} ranks.`, {
      fix: 'Set it to the name or address of the machine of rank 0; under Slurm: export MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1).',
    });
  }
  return {
    rank,
    worldSize,
    localWorldSize,
    localRank: local === undefined ? 0 : count(env, local, 0, 2 ** 16),
    host,
    port: env.MASTER_PORT === undefined ? defaultPort : count(env, 'MASTER_PORT', 1, 2 ** 16),
    // torchrun listens there itself.
    serves: rank === 0 && env.TORCHELASTIC_USE_AGENT_STORE !== 'True',
    attempt: env.TORCHELASTIC_RESTART_COUNT ?? env.SLURM_RESTART_COUNT ?? '0',
    network: env.GLOO_SOCKET_IFNAME ?? '',
  };
}

/** The address of this machine on the way to `host`: what the others reach it by. No packet is sent to it. */
export async function addressTowards(host: string, port: number): Promise<string> {
  try {
    const target = await lookup(host);
    const socket = createSocket(target.family === 6 ? 'udp6' : 'udp4');
    try {
      socket.connect(port, target.address);
      await once(socket, 'connect');
      return socket.address().address;
    } finally {
      socket.close();
    }
  } catch (cause) {
    throw new SelfgradError(
      'ERR_RENDEZVOUS',
      `Found no way to MASTER_ADDR ${host}: ${(cause as Error).message}.`,
      { fix: 'Give a name or address of the machine of rank 0 that this machine can reach.', cause },
    );
  }
}

/** Worlds that this process has joined: ranks that train several times meet anew each time. */
let joined = 0;

/**
 * Joins the other ranks; the caller disposes of the world.
 *
 * @throws SelfgradError `ERR_RENDEZVOUS`, or the reason of `signal`
 */
export async function joinWorld(
  { rank, worldSize, host, port, serves, attempt, network }: Rank,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<NativeWorld> {
  const address = await addressTowards(host, port);
  const options = { rank, size: worldSize, host, port, serves, address, network, timeoutMs };
  return awaitRun(() => loadBinding().joinWorld({ ...options, attempt: `${attempt}.${joined++}` }), {
    signal,
  });
}

/** Leaves of a document by their path. */
function leaves(value: unknown, path = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null)
    return new Map([[path, JSON.stringify(value) ?? 'nothing']]);
  return new Map(
    Object.entries(value).flatMap(([key, part]) => [...leaves(part, path === '' ? key : `${path}.${key}`)]),
  );
}

/**
 * Checks that all ranks do the same.
 *
 * @param identity JSON of all that decides which numbers come out
 * @throws SelfgradError on every rank: `ERR_OPTION` naming what differs and where, or `ERR_RANK`
 */
export async function checkSameRun(world: NativeWorld, identity: string): Promise<void> {
  const all = await awaitRun(() => world.texts(identity), {});
  const other = all.findIndex((text) => text !== all[0]);
  if (other === -1) return;
  const [first, second] = [leaves(JSON.parse(all[0]!)), leaves(JSON.parse(all[other]!))];
  const path = [...first.keys(), ...second.keys()].find((key) => first.get(key) !== second.get(key))!;
  throw new SelfgradError(
    'ERR_OPTION',
    `Expected the same run on every rank but ${path} is ${first.get(path) ?? 'nothing'} on rank 0 and ${second.get(path) ?? 'nothing'} on rank ${other}.`,
    {
      fix:
        path === 'device'
          ? 'See what selfgrad doctor says on each machine, or write device=cpu.'
          : 'Start all ranks with the same configuration, data and version of selfgrad.',
    },
  );
}
