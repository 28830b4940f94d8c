/** Runs a resumable command, killed with SIGKILL at random moments, until it has been killed often enough. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const hashFile = (file) => (existsSync(file) ? sha256(readFileSync(file)) : null);

/** The i-th of a sequence of numbers in [0, 1) that depends on the seed alone. */
export function draw(seed, index) {
  return Number.parseInt(sha256(`${seed} ${index}`).slice(0, 12), 16) / 2 ** 48;
}

/**
 * Starts `selfgrad ...args` and kills it after so many milliseconds (null: never). Resolves to true when it was
 * killed, to false when it had ended well before; any other end is an error.
 */
export function start(args, killAfterMs = null) {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  const timer = killAfterMs === null ? null : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      if (signal === 'SIGKILL' || status === 0) resolve(signal === 'SIGKILL');
      else reject(new Error(`selfgrad ${args.join(' ')} ended with ${status ?? signal}: ${errors}`));
    });
  });
}

/** An evaluation without what differs from one run to the next on the same numbers: clock and command line. */
function timeless(evaluation) {
  const drop = new Set(['seconds', 'createdAt', 'command']);
  return JSON.stringify(JSON.parse(evaluation), (key, value) => (drop.has(key) ? undefined : value));
}

/** Training: the result is the file of the model, progress is the checkpoint. */
export function trainingJob(options) {
  const file = (out) => join(out, 'checkpoint.safetensors');
  return {
    name: 'train',
    next: (out) =>
      existsSync(file(out))
        ? ['train', '--resume', out, '--quiet']
        : ['train', '--out', out, '--overwrite', '--quiet', ...options],
    progress: (out) => hashFile(file(out)),
    result: (out) => hashFile(join(out, 'model.safetensors')),
  };
}

/** Evaluation of a trained model: the result is evaluation.json without its times, progress are the finished parts. */
export function evaluationJob(model, options) {
  return {
    name: 'eval',
    next: (out) => ['eval', model, '--out', out, '--resume', '--quiet', ...options],
    progress: (out) => hashFile(join(out, 'evaluation.partial.jsonl')),
    result: (out) => sha256(timeless(readFileSync(join(out, 'evaluation.json'), 'utf8'))),
  };
}

/** What was counted before anything ran. */
export const nothing = { kills: 0, progressed: 0, completed: 0, equal: 0 };

/**
 * Goes on from `counts` until the job has been killed `kills` times, and lets the run under way end. A run that ends
 * earlier is compared with `expected` and begun anew. `onCounts` sees the counts after each kill and each comparison:
 * kills, lives that saved progress before they were killed, completed runs, and those whose result was `expected`.
 */
export async function killRepeatedly({
  job,
  out,
  expected,
  kills,
  windowMs,
  seed,
  counts = nothing,
  onCounts,
}) {
  let now = { ...counts };
  const tell = async (change) => {
    now = { ...now, ...change };
    await onCounts?.(now);
  };
  for (let busy = true; busy || now.kills < kills; ) {
    const before = job.progress(out);
    const spare = now.kills < kills;
    // Each life draws anew: a kill drawn behind the end of a run would let all runs that follow end as well.
    const lives = now.kills + now.completed;
    const killed = await start(job.next(out), spare ? draw(seed, lives) * windowMs : null);
    if (killed) {
      const progressed = now.progressed + (job.progress(out) === before ? 0 : 1);
      await tell({ kills: now.kills + 1, progressed });
      busy = true;
      continue;
    }
    await tell({ completed: now.completed + 1, equal: now.equal + (job.result(out) === expected ? 1 : 0) });
    rmSync(out, { recursive: true, force: true });
    busy = false;
  }
  return now;
}

/** Files that killed writers have left behind. */
export const leftovers = (out) =>
  existsSync(out) ? readdirSync(out).filter((name) => name.endsWith('.tmp')) : [];
