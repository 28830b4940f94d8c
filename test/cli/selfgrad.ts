/** Runs the built command line as a user does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The entry that `npx selfgrad` runs. */
export const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface CallOptions {
  cwd?: string;
  env?: Record<string, string>;
  onStart?: (child: ChildProcess) => void;
  /** Called with the process and what it has written to stderr so far, whenever there is more. */
  onStderr?: (child: ChildProcess, stderr: string) => void;
}

/** Starts `selfgrad ...args`; options from this process's environment do not reach it. */
export function selfgrad(
  args: readonly string[],
  { cwd, env = {}, onStart, onStderr }: CallOptions = {},
): Promise<Outcome> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SELFGRAD__'));
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onStart?.(child);
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
      onStderr?.(child, stderr);
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** A new directory that is gone when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'selfgrad-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A network and data small enough for seconds. */
export const small = [
  'model.architecture=small-cnn',
  'model.width=8',
  'threat.eps=0.1',
  'train.batchSize=32',
  'train.validate.count=64',
  'data.testCount=100',
  'evaluate.attacks=[{name: pgd, steps: 5}, {name: cw-linf, steps: 5}]',
  'evaluate.epsCurve={points: [0, 0.1, 0.3], count: 40}',
  'threads=2',
];
