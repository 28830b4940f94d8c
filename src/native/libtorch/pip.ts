/**
 * Fetches the pinned wheels with pip: it knows its package index, its mirrors and its proxies, so this package
 * names none. pip checks every wheel against its hash before it is kept.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SelfgradError } from '../../errors.ts';
import type { PlatformPins } from './pins.ts';
import { type PythonCandidate, pythonCandidates } from './python.ts';

/** The first Python that has pip; undefined when there is none. */
export function findPip(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): PythonCandidate | undefined {
  return pythonCandidates(env, platform).find(
    ({ executable }) =>
      spawnSync(executable, ['-m', 'pip', '--version'], { env, timeout: 30_000 }).status === 0,
  );
}

function bytesBelow(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile())
      bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

export interface PipDownload {
  pip: PythonCandidate;
  pins: PlatformPins;
  /** An empty folder for everything that pip writes. */
  folder: string;
  env: NodeJS.ProcessEnv;
  onBytes: (bytes: number) => void;
  signal?: AbortSignal | undefined;
}

const reportEveryMs = 500;

/**
 * Downloads the wheels and resolves to their paths.
 *
 * @throws SelfgradError ERR_ENVIRONMENT with pip's own reason when it fails.
 */
export async function pipDownload({
  pip,
  pins,
  folder,
  env,
  onBytes,
  signal,
}: PipDownload): Promise<string[]> {
  const wheels = join(folder, 'wheels');
  const temporary = join(folder, 'tmp');
  mkdirSync(wheels, { recursive: true });
  mkdirSync(temporary);
  const requirements = join(folder, 'requirements.txt');
  const lines = pins.wheels.map(({ requirement, sha256 }) => `${requirement} --hash=sha256:${sha256}`);
  writeFileSync(requirements, `${lines.join('\n')}\n`);

  const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--no-cache-dir'];
  args.push('--progress-bar=off', '--disable-pip-version-check', '--no-input');
  args.push('--python-version=3.11', '--implementation=cp', '--abi=cp311', '--abi=none');
  args.push(...pins.tags.map((tag) => `--platform=${tag}`));
  args.push('--require-hashes', '-r', requirements, '-d', wheels);

  const child = spawn(pip.executable, args, {
    // Downloads in progress lie in our folder too: on the same disk, and removed with it.
    env: { ...env, TMPDIR: temporary, TEMP: temporary, TMP: temporary },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(signal && { signal }),
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const timer = setInterval(() => onBytes(bytesBelow(folder)), reportEveryMs);
  const status = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  }).finally(() => clearInterval(timer));
  signal?.throwIfAborted();
  if (status !== 0) throw pipFailure(errors);
  return readdirSync(wheels).map((name) => join(wheels, name));
}

const unreachable = /NewConnectionError|Failed to establish|ConnectTimeout|ProxyError|name resolution/;

function pipFailure(errors: string): SelfgradError {
  const lastError = errors
    .split('\n')
    .findLast((line) => line.startsWith('ERROR:'))
    ?.replace(/^ERROR:\s*/, '')
    .replace(/\.$/, '');
  const reason = unreachable.test(errors)
    ? 'its index cannot be reached'
    : (lastError ?? 'it gave no reason');
  return new SelfgradError('ERR_ENVIRONMENT', `pip could not download LibTorch: ${reason}.`, {
    fix: "Check the network and pip's index and proxy settings, then run this again.",
  });
}
