/** `selfgrad doctor`: what this machine has of what selfgrad needs, and why something is not usable. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { cacheDirectory } from '../../cacheDirectory.ts';
import { SelfgradError } from '../../errors.ts';
import { chooseDevice, gpuAbsence, oldestDriver } from '../../native/device.ts';
import { findPip } from '../../native/libtorch/pip.ts';
import { resolveEnvironment, resolveLibtorch } from '../../native/libtorch/resolve.ts';
import { addonBuiltFor, findAddon, findGpus, loadBinding } from '../../native/load.ts';
import { packageVersion, pinnedCuda, pinnedLibtorch } from '../../native/packageRoot.ts';

/** Something that was looked for: what was found, or why it cannot be used. */
interface Finding {
  ok: boolean;
  detail: string;
}

/** The answer of `doctor --json`. */
export interface DoctorReport {
  schema: 'selfgrad.doctor/1';
  /** True when training and evaluation can run here. */
  usable: boolean;
  versions: { selfgrad: string; node: string; libtorch: string };
  platform: string;
  cpu: string;
  cores: number;
  addon: Finding & { builtFor: string | null };
  libtorch: Finding & { source: string | null };
  /** LibTorch opened and the addon loaded on top of it. */
  native: Finding & { threads: number | null; cpuCapability: string | null };
  /** `absent`: a machine without a GPU, on which the CPU is what is meant to be used. */
  cuda: Finding & { absent: boolean };
  tools: { compiler: string | null; cmake: string | null; pip: string | null };
  sharp: string | null;
  cache: { folder: string; freeBytes: number };
}

function attempt<T extends Finding>(work: () => T, failed: Omit<T, keyof Finding>): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SelfgradError)) throw error;
    return { ok: false, detail: error.message, ...failed } as T;
  }
}

/** The first line of `<program> --version`, or null when it cannot be run. */
function versionOf(program: string, ...args: string[]): string | null {
  const { status, stdout } = spawnSync(program, [...args, '--version'], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  return status === 0 ? (stdout.split('\n')[0]?.trim() ?? null) : null;
}

function sharpVersion(): string | null {
  try {
    // Its package.json is not among its exports: found beside the entry point.
    const entry = createRequire(import.meta.url).resolve('sharp');
    const manifest = readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8');
    return (JSON.parse(manifest) as { version: string }).version;
  } catch {
    return null;
  }
}

function freeBytes(folder: string): number {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  const { bavail, bsize } = statfsSync(existing);
  return bavail * bsize;
}

/** Looks at everything; nothing is downloaded or written. */
export function examine(): DoctorReport {
  const environment = resolveEnvironment();
  const addon = attempt<DoctorReport['addon']>(
    () => {
      const files = findAddon();
      return { ok: true, detail: files.core, builtFor: addonBuiltFor(files) };
    },
    { builtFor: null },
  );
  const libtorch = attempt<DoctorReport['libtorch']>(
    () => {
      const { root, source } = resolveLibtorch();
      return { ok: true, detail: root, source };
    },
    { source: null },
  );
  const native = attempt<DoctorReport['native']>(
    () => {
      const info = loadBinding().info();
      return {
        ok: true,
        detail: `LibTorch ${info.libtorch}, built for ${info.builtFor}`,
        threads: info.threads,
        cpuCapability: info.cpuCapability,
      };
    },
    { threads: null, cpuCapability: null },
  );
  const cuda = attempt<DoctorReport['cuda']>(
    () => {
      const gpus = findGpus(findAddon());
      const absence = gpuAbsence(gpus);
      if (absence !== null) {
        const detail = `${absence}; the CPU is used. A machine with an NVIDIA GPU needs ${oldestDriver}`;
        return { ok: false, detail, absent: true };
      }
      const { device } = chooseDevice('cuda:0');
      return { ok: true, detail: `${device} is used, of ${gpus?.count}; CUDA ${pinnedCuda}`, absent: false };
    },
    { absent: false },
  );
  const folder = cacheDirectory(environment);
  const pip = findPip(process.env, process.platform);
  return {
    schema: 'selfgrad.doctor/1',
    usable: native.ok,
    versions: { selfgrad: packageVersion, node: process.versions.node, libtorch: pinnedLibtorch },
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    addon,
    libtorch,
    native,
    cuda,
    tools: {
      compiler: versionOf(process.env.CXX || 'c++'),
      cmake: versionOf('cmake'),
      pip: pip ? versionOf(pip.executable, '-m', 'pip') : null,
    },
    sharp: sharpVersion(),
    cache: { folder, freeBytes: freeBytes(folder) },
  };
}

function cudaText({ ok, detail, absent }: DoctorReport['cuda']): string {
  if (ok) return detail;
  return absent ? `no GPU: ${detail}` : `not used: ${detail}`;
}

/** The report for the eye: one line per thing looked at. */
export function doctorText(report: DoctorReport): string {
  const finding = ({ ok, detail }: Finding) => (ok ? detail : `NOT USABLE: ${detail}`);
  const { native } = report;
  const rows: [string, string][] = [
    ['selfgrad', `${report.versions.selfgrad}, needs LibTorch ${report.versions.libtorch}`],
    ['node', `${report.versions.node} on ${report.platform}`],
    ['cpu', `${report.cpu}, ${report.cores} cores`],
    ['addon', finding(report.addon)],
    ['libtorch', finding(report.libtorch)],
    [
      'native',
      native.ok ? `${native.detail}, ${native.cpuCapability}, ${native.threads} threads` : finding(native),
    ],
    ['cuda', cudaText(report.cuda)],
    ['compiler', report.tools.compiler ?? 'not found (only needed to build the addon)'],
    ['cmake', report.tools.cmake ?? 'not found (only needed to build the addon)'],
    ['pip', report.tools.pip ?? 'not found (only needed to install LibTorch)'],
    ['sharp', report.sharp ?? 'not installed (only needed for JPEG and PNG folders)'],
    ['cache', `${report.cache.folder}, ${(report.cache.freeBytes / 1e9).toFixed(1)} GB free`],
    ['verdict', report.usable ? 'usable' : 'not usable: see above'],
  ];
  return rows.map(([name, text]) => `${name.padEnd(10)} ${text}`).join('\n');
}

/** The command; exit code 0 when selfgrad is usable here, else 4. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('say what this machine has of what selfgrad needs, and what to do about the rest')
    .option('--json', 'print the findings as JSON')
    .action(({ json }: { json?: boolean }) => {
      const report = examine();
      console.log(json ? JSON.stringify(report) : doctorText(report));
      if (!report.usable) process.exitCode = 4;
    });
}
