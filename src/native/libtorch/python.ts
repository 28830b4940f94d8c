/** Finds the torch of a Python on this machine, without importing it: that would take seconds. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A Python to ask: how it was named to us, and its executable. */
export interface PythonCandidate {
  label: string;
  executable: string;
}

/** `$PYTHON`, `$VIRTUAL_ENV`, `$CONDA_PREFIX`, then the one on the PATH; in this order, those that are set. */
export function pythonCandidates(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): PythonCandidate[] {
  const windows = platform === 'win32';
  const candidates: PythonCandidate[] = [];
  if (env.PYTHON) candidates.push({ label: `$PYTHON (${env.PYTHON})`, executable: env.PYTHON });
  if (env.VIRTUAL_ENV) {
    const executable = join(env.VIRTUAL_ENV, windows ? 'Scripts/python.exe' : 'bin/python');
    candidates.push({ label: `$VIRTUAL_ENV (${env.VIRTUAL_ENV})`, executable });
  }
  if (env.CONDA_PREFIX) {
    const executable = join(env.CONDA_PREFIX, windows ? 'python.exe' : 'bin/python');
    candidates.push({ label: `$CONDA_PREFIX (${env.CONDA_PREFIX})`, executable });
  }
  const name = windows ? 'python' : 'python3';
  candidates.push({ label: name, executable: name });
  return candidates;
}

const findTorch =
  'import importlib.util as u; s = u.find_spec("torch"); print(s.submodule_search_locations[0] if s and s.submodule_search_locations else "")';

/** The folder of this Python's torch when it has exactly the wanted version, else the reason why not. */
export function pythonTorch(
  { executable }: PythonCandidate,
  wanted: string,
  env: NodeJS.ProcessEnv,
): { root: string } | string {
  const asked = spawnSync(executable, ['-c', findTorch], { encoding: 'utf8', timeout: 10_000, env });
  if (asked.error) return 'cannot be run';
  if (asked.status !== 0) return 'failed to answer';
  const root = asked.stdout.trim();
  if (!root) return 'has no torch';
  const versionFile = join(root, 'version.py');
  const text = existsSync(versionFile) ? readFileSync(versionFile, 'utf8') : '';
  const version = /__version__ = '([^']+)'/.exec(text)?.[1] ?? 'of unknown version';
  // A local part such as +cu130 names the build, not the version.
  if (version.split('+')[0] !== wanted) return `has torch ${version}, not ${wanted}`;
  return { root };
}
