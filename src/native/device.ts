/**
 * Where a run computes. The CUDA plug-in, and with it LibTorch's GPU part, is opened only when a GPU is asked for and
 * there.
 */
import { existsSync } from 'node:fs';
import type { Device } from '../config/device.ts';
import { SelfgradError } from '../errors.ts';
import type { NativeDevice } from './binding.ts';
import { type AddonFiles, findAddon, findGpus, type Gpus, loadBinding, loadedLibtorch } from './load.ts';
import { packageRoot, pinnedCuda, pinnedLibtorch } from './packageRoot.ts';

/** What `device` came to, and with `auto` why a GPU that is there is not used. */
export interface ChosenDevice {
  device: NativeDevice;
  note: string | null;
}

const cpu: ChosenDevice = { device: 'cpu', note: null };
const noDevice = 100; // CUDA_ERROR_NO_DEVICE: a driver without a GPU
/** What a machine with a GPU needs first. */
export const oldestDriver = `a driver for CUDA ${pinnedCuda} (580 or newer)`;
const buildPlugin = `Build it: node scripts/cuda.mjs (in ${packageRoot})`;
const otherTorch = `Point LIBTORCH or PYTHON at torch ${pinnedLibtorch} with CUDA ${pinnedCuda} (pip install torch==${pinnedLibtorch})`;

function unusable(device: string, problem: string, fix: string, cause?: unknown): SelfgradError {
  return new SelfgradError('ERR_DEVICE', `Expected a usable GPU for device ${device} but ${problem}.`, {
    fix: `${fix}, or write device=cpu.`,
    cause,
  });
}

function cudaText(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}

/** Why a machine counts as one without a GPU, which is no fault; null where a driver finds one, or fails. */
export function gpuAbsence(gpus: Gpus | null): string | null {
  if (gpus === null) return 'there is no NVIDIA driver';
  const none = gpus.error === noDevice || (gpus.error === 0 && gpus.count === 0);
  return none ? 'the NVIDIA driver finds no GPU' : null;
}

/** @throws SelfgradError `ERR_DEVICE` for the first thing that stands between this process and its `index`-th GPU */
function openGpu(files: AddonFiles, index: number): void {
  const device = `cuda:${index}`;
  const gpus = findGpus(files);
  if (gpus === null) {
    throw unusable(
      device,
      'there is no NVIDIA driver: libcuda.so.1 was not found',
      `Install ${oldestDriver}`,
    );
  }
  const { version, count, error, reason } = gpus;
  if (error !== 0 && error !== noDevice) {
    throw unusable(
      device,
      `the NVIDIA driver fails with error ${error} (${reason})`,
      'See what nvidia-smi says',
    );
  }
  if (Math.floor(version / 1000) < Number.parseInt(pinnedCuda, 10)) {
    throw unusable(
      device,
      `the NVIDIA driver is for CUDA ${cudaText(version)} only`,
      `Install ${oldestDriver}`,
    );
  }
  if (index >= count) {
    const found =
      count === 0 ? 'no GPU' : count === 1 ? 'one GPU, cuda:0' : `${count} GPUs, cuda:0 to cuda:${count - 1}`;
    throw unusable(device, `the NVIDIA driver finds ${found}`, 'Write the number of one that is there');
  }
  if (!existsSync(files.cudaPlugin)) {
    throw unusable(device, `selfgrad's CUDA plug-in ${files.cudaPlugin} is absent`, buildPlugin);
  }
  const binding = loadBinding();
  const libtorch = loadedLibtorch()!;
  if (libtorch.libtorchCuda === null) {
    throw unusable(device, `LibTorch in ${libtorch.root} is for the CPU only`, otherTorch);
  }
  const refused = binding.openCuda({ libtorchCuda: libtorch.libtorchCuda, plugin: files.cudaPlugin });
  if (refused === null) return;
  throw unusable(device, refused.problem, refused.part === 'plugin' ? buildPlugin : otherTorch);
}

/**
 * The device that `device` stands for, ready to be used. `auto` is a GPU where all that it needs is there, else the CPU:
 * the first one, or of several that this process sees the one of its place among the ranks of the machine.
 *
 * @throws SelfgradError `ERR_DEVICE` for a GPU that cannot be used; `ERR_ADDON`, `ERR_LIBTORCH`
 */
export function chooseDevice(device: Device, localRank = 0): ChosenDevice {
  if (device === 'cpu') return cpu;
  if (device !== 'auto') {
    openGpu(findAddon(), Number(device.slice('cuda:'.length)));
    return { device, note: null };
  }
  let files: AddonFiles;
  let count = 1;
  try {
    files = findAddon();
    const gpus = findGpus(files);
    count = gpus?.count ?? 0;
    if (gpuAbsence(gpus) !== null) return cpu;
  } catch (error) {
    // Without an addon nothing runs on the CPU either, which says so better.
    if (error instanceof SelfgradError) return cpu;
    throw error;
  }
  // Some launchers show each rank its own GPU alone.
  const index = count > 1 ? localRank : 0;
  if (index > 0 && index >= count) {
    throw new SelfgradError(
      'ERR_DEVICE',
      `Expected a GPU for each rank of a machine but this is rank ${index} there and the NVIDIA driver finds ${count} GPUs.`,
      { fix: 'Start no more ranks than the machine has GPUs, or write device=cpu.' },
    );
  }
  try {
    openGpu(files, index);
    return { device: `cuda:${index}`, note: null };
  } catch (error) {
    if (!(error instanceof SelfgradError) || error.code !== 'ERR_DEVICE') throw error;
    return { device: 'cpu', note: `The GPU is not used: ${error.message}` };
  }
}
