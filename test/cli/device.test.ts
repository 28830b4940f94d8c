/** What each thing that a GPU needs and that is missing says; with drivers, plug-ins and libraries that are fakes. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveLibtorch } from '../../src/native/libtorch/resolve.ts';
import { findAddon } from '../../src/native/load.ts';
import { packageRoot } from '../../src/native/packageRoot.ts';
import { selfgrad } from './selfgrad.ts';

let folder: string;
let withoutPlugin: string;
let withPlugin: string;
const compile = (source: string, output: string) =>
  execFileSync('cc', ['-shared', '-fPIC', '-o', output, source]);

/** The addon without the plug-in that a developer may have built. */
function copyAddon(name: string): string {
  const { loader, core } = findAddon();
  const copy = join(folder, name);
  mkdirSync(join(copy, 'core'), { recursive: true });
  copyFileSync(loader, join(copy, 'selfgrad.node'));
  copyFileSync(core, join(copy, 'core/core.node'));
  return copy;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'selfgrad-device-'));
  mkdirSync(join(folder, 'driver'));
  compile(fileURLToPath(new URL('fakeLibcuda.c', import.meta.url)), join(folder, 'driver/libcuda.so.1'));
  withoutPlugin = copyAddon('without');
  withPlugin = copyAddon('with');
  writeFileSync(join(folder, 'plugin.c'), 'int no_table;');
  compile(join(folder, 'plugin.c'), join(withPlugin, 'core/selfgrad_cuda.so'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** This machine's LibTorch, for the CPU only, or with an empty library for a GPU part. */
function libtorch(cuda: boolean): string {
  const { root } = resolveLibtorch();
  const copy = join(folder, cuda ? 'torch-cuda' : 'torch-cpu');
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(join(copy, 'lib'), { recursive: true });
  for (const name of readdirSync(join(root, 'lib')))
    if (name !== 'libtorch_cuda.so') symlinkSync(join(root, 'lib', name), join(copy, 'lib', name));
  symlinkSync(join(root, 'include'), join(copy, 'include'));
  if (cuda) compile(join(folder, 'plugin.c'), join(copy, 'lib/libtorch_cuda.so'));
  return copy;
}

interface Machine {
  /** Of the fake driver; null for none. */
  driver: { version?: number; count?: number; error?: number } | null;
  plugin?: boolean;
  cuda?: boolean;
}

function environment({ driver, plugin = false, cuda = false }: Machine): Record<string, string> {
  return {
    SELFGRAD_ADDON_DIR: plugin ? withPlugin : withoutPlugin,
    LIBTORCH: libtorch(cuda),
    LD_LIBRARY_PATH: driver === null ? join(folder, 'nowhere') : join(folder, 'driver'),
    FAKE_CUDA_VERSION: String(driver?.version ?? 13000),
    FAKE_CUDA_COUNT: String(driver?.count ?? 1),
    FAKE_CUDA_ERROR: String(driver?.error ?? 0),
  };
}

const dryRun = (device: string, machine: Machine) =>
  selfgrad(['train', '--dry-run', '--device', device], { cwd: folder, env: environment(machine) });

const installDriver = 'Install a driver for CUDA 13.0 (580 or newer), or write device=cpu.';
const otherTorch =
  'Point LIBTORCH or PYTHON at torch 2.11.0 with CUDA 13.0 (pip install torch==2.11.0), or write device=cpu.';
const build = `Build it: node scripts/cuda.mjs (in ${packageRoot}), or write device=cpu.`;
const wrong: [string, string, Machine, () => string][] = [
  [
    'no driver',
    'cuda:0',
    { driver: null },
    () => `there is no NVIDIA driver: libcuda.so.1 was not found. ${installDriver}`,
  ],
  [
    'a driver that fails',
    'cuda:0',
    { driver: { error: 999 } },
    () =>
      'the NVIDIA driver fails with error 999 (CUDA_ERROR_UNKNOWN). See what nvidia-smi says, or write device=cpu.',
  ],
  [
    'an old driver',
    'cuda:0',
    { driver: { version: 12040 } },
    () => `the NVIDIA driver is for CUDA 12.4 only. ${installDriver}`,
  ],
  [
    'no GPU',
    'cuda:0',
    { driver: { error: 100 } },
    () => 'the NVIDIA driver finds no GPU. Write the number of one that is there, or write device=cpu.',
  ],
  [
    'too few GPUs',
    'cuda:2',
    { driver: { count: 2 } },
    () =>
      'the NVIDIA driver finds 2 GPUs, cuda:0 to cuda:1. Write the number of one that is there, or write device=cpu.',
  ],
  [
    'no plug-in',
    'cuda:0',
    { driver: {} },
    () => `selfgrad's CUDA plug-in ${join(withoutPlugin, 'core/selfgrad_cuda.so')} is absent. ${build}`,
  ],
  [
    'a LibTorch for the CPU only',
    'cuda:0',
    { driver: {}, plugin: true },
    () => `LibTorch in ${join(folder, 'torch-cpu')} is for the CPU only. ${otherTorch}`,
  ],
  [
    'a GPU part of LibTorch that finds no GPU',
    'cuda:0',
    { driver: {}, plugin: true, cuda: true },
    () =>
      `LibTorch's GPU part ${join(folder, 'torch-cuda/lib/libtorch_cuda.so')} finds no GPU (or was opened behind the first run of this process). ${otherTorch}`,
  ],
];

describe('--device', () => {
  it.each(wrong)('says what to do about %s, and exits with 4', async (_, device, machine, problem) => {
    const { status, stderr, stdout } = await dryRun(device, machine);
    expect(stderr).toBe(`ERR_DEVICE  Expected a usable GPU for device ${device} but ${problem()}\n`);
    expect({ status, stdout }).toEqual({ status: 4, stdout: '' });
  });

  it.each([null, { error: 100 }, { count: 0 }])(
    'auto is the CPU where there is no GPU (%j)',
    async (driver) => {
      const { status, stderr, stdout } = await dryRun('auto', { driver, plugin: true });
      expect(stdout).toContain('device    cpu');
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );

  it('auto is the CPU with a note where a GPU cannot be used', async () => {
    const { status, stderr, stdout } = await dryRun('auto', { driver: { version: 12080 } });
    expect(stdout).toContain('device    cpu');
    expect(stderr).toBe(
      'The GPU is not used: Expected a usable GPU for device cuda:0 but the NVIDIA driver is for CUDA 12.8 only. ' +
        `${installDriver}\n`,
    );
    expect(status).toBe(0);
  });

  const ranked = (device: string, localRank: number, count: number) =>
    selfgrad(['train', '--dry-run', '--distributed', '--device', device], {
      cwd: folder,
      env: {
        ...environment({ driver: { version: 12080, count } }),
        ...{ RANK: '4', WORLD_SIZE: '8', LOCAL_WORLD_SIZE: '4', MASTER_ADDR: '127.0.0.1' },
        LOCAL_RANK: String(localRank),
      },
    });

  it.each([
    [1, 4, 1],
    [3, 4, 3],
    // A launcher that shows each rank its own.
    [3, 1, 0],
  ])(
    'auto is the GPU of a rank: of place %i on a machine that shows %i, cuda:%i',
    async (place, count, gpu) => {
      const { stderr } = await ranked('auto', place, count);
      expect(stderr).toContain(
        `Expected a usable GPU for device cuda:${gpu} but the NVIDIA driver is for CUDA 12.8`,
      );
    },
  );

  it('refuses more ranks than GPUs, and one GPU for several ranks', async () => {
    expect(await ranked('auto', 2, 2)).toMatchObject({
      status: 4,
      stderr:
        'ERR_DEVICE  Expected a GPU for each rank of a machine but this is rank 2 there and the NVIDIA driver finds 2 GPUs. Start no more ranks than the machine has GPUs, or write device=cpu.\n',
    });
    expect(await ranked('cuda:0', 2, 4)).toMatchObject({
      status: 2,
      stderr:
        'ERR_OPTION  Expected auto or cpu for device where several ranks share a machine but received cuda:0. Write device=auto: each rank takes the GPU that LOCAL_RANK names.\n',
    });
  });

  it('cpu does not ask for a GPU', async () => {
    const { status, stderr } = await dryRun('cpu', { driver: { error: 999 }, plugin: true, cuda: true });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('doctor says why a GPU is not used', async () => {
    const env = environment({ driver: { version: 12040 } });
    const { stdout } = await selfgrad(['doctor'], { env });
    expect(stdout).toContain(
      'cuda       not used: Expected a usable GPU for device cuda:0 but the NVIDIA driver is for CUDA 12.4 only.',
    );
    const { cuda } = JSON.parse((await selfgrad(['doctor', '--json'], { env })).stdout) as { cuda: object };
    expect(cuda).toMatchObject({ ok: false, absent: false });
  });

  it.each([
    [null, 'there is no NVIDIA driver'],
    [{ error: 100 }, 'the NVIDIA driver finds no GPU'],
    [{ count: 0 }, 'the NVIDIA driver finds no GPU'],
  ])('doctor finds nothing wrong with a machine without a GPU (%j)', async (driver, absence) => {
    const env = environment({ driver });
    const { status, stdout } = await selfgrad(['doctor'], { env });
    expect(status).toBe(0);
    expect(stdout).toContain(
      `\ncuda       no GPU: ${absence}; the CPU is used. A machine with an NVIDIA GPU needs a driver for CUDA 13.0 (580 or newer)\n`,
    );
    const { cuda } = JSON.parse((await selfgrad(['doctor', '--json'], { env })).stdout) as { cuda: object };
    expect(cuda).toMatchObject({ ok: false, absent: true });
  });
});
