/** Runs other programs: with their output collected, or shown as it comes. */
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Whether this module is the script that was started, rather than imported. */
export function isMain(moduleUrl) {
  return fileURLToPath(moduleUrl) === realpathSync(process.argv[1] ?? '');
}

const interruptedExitCode = 130;

/** The folder of package.json. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Runs a program to its end. Output is collected line by line (`onLine` sees each) unless `show` is set, which
 * hands it to the terminal. Resolves to { status, output }; status is null when the program cannot be started.
 */
export function run(program, args, { cwd = root, env = process.env, show = false, onLine } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env, stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
    const lines = [];
    for (const stream of show ? [] : [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        const parts = (rest + text).split('\n');
        rest = parts.pop() ?? '';
        for (const part of parts) {
          lines.push(part);
          onLine?.(part);
        }
      });
      stream.on('end', () => rest && lines.push(rest));
    }
    // Ctrl-C reaches the child by itself: it decides, we wait. Without a child that can, we stop too.
    let interrupted = false;
    const interrupt = () => {
      interrupted = true;
    };
    const terminate = () => child.kill('SIGTERM');
    process.on('SIGINT', interrupt).on('SIGTERM', terminate);
    const finish = (status) => {
      process.off('SIGINT', interrupt).off('SIGTERM', terminate);
      if (interrupted && !show) process.exit(interruptedExitCode);
      resolve({ status, output: lines.join('\n') });
    };
    child.on('error', () => finish(null));
    child.on('close', (status, signal) => finish(signal ? 1 : status));
  });
}

/** A file of an installed package: in a clone it lies below this folder, in a user's project beside or above it. */
function packageFile(path) {
  for (let folder = root; folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'node_modules', path);
    if (existsSync(file)) return file;
  }
  return join(root, 'node_modules', path);
}

/** Runs the script of an installed package with this Node. */
export function runPackageScript(script, args, options) {
  return run(process.execPath, [packageFile(script), ...args], options);
}

/** Runs npm: the one that started this script, else the one on the PATH. */
export function runNpm(args, options) {
  const started = process.env.npm_execpath ?? '';
  return basename(started) === 'npm-cli.js'
    ? run(process.execPath, [started, ...args], options)
    : run('npm', args, options);
}
