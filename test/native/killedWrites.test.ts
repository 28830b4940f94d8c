/**
 * kill -9 within the write of a checkpoint, at each kind of step that it takes, by a preloaded library that counts them:
 * what stands in the run directory can be resumed, and ends in the bytes of the run that nothing interrupted.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../src/index.ts';
import { temporaryFolder } from './tiny.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const folder = temporaryFolder();
const library = join(folder, 'killAt.so');

function hasCompiler(): boolean {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return process.platform === 'linux';
  } catch {
    return false;
  }
}

/** Trains into `out`; `steps` are those of writing checkpoints that it took. */
async function start(out: string, killAt = 0) {
  const log = `${out}.log`;
  const child = spawn(process.execPath, [here('checkpointed.mjs'), out], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, LD_PRELOAD: library, KILL_AT: String(killAt), KILL_LOG: log },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (...end) => resolve(end));
  });
  return { end: { code, signal, stderr }, steps: readFileSync(log, 'latin1') };
}

const done = { code: 0, signal: null, stderr: '' };
const killed = { code: null, signal: 'SIGKILL', stderr: '' };

/** The tensors of a model file, without the header, which holds times. */
function weights(out: string): Buffer {
  const bytes = readFileSync(join(out, 'model.safetensors'));
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
}

describe.skipIf(!hasCompiler())('kill -9 while a checkpoint is written', () => {
  const whole = join(folder, 'whole');
  let steps: string;
  beforeAll(async () => {
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, here('killAt.c'), '-ldl']);
    const run = await start(whole);
    expect(run.end).toEqual(done);
    steps = run.steps;
  });

  it('has steps: writes, fsync and rename of each checkpoint', () => {
    expect(steps).toMatch(/^(w{5,}frR){3,}$/);
  });

  /** Of the first checkpoint, before which there is none, and of the second. */
  const moments: [string, (first: number, last: number) => number, number][] = [
    ['in its first bytes, with none before it', (first) => first, 0],
    ['before its rename, with none before it', (_, last) => last - 1, 0],
    ['in its first bytes', (first) => first, 1],
    ['in its header', (first) => first + 1, 1],
    ['amid its tensors', (first, last) => Math.floor((first + last) / 2), 1],
    ['in its last tensor', (_, last) => last - 3, 1],
    ['before it is on the disk', (_, last) => last - 2, 1],
    ['before its rename', (_, last) => last - 1, 1],
    ['behind its rename', (_, last) => last, 1],
  ];
  it.each(moments)('%s', async (name, moment, checkpoint) => {
    const ends = [...steps.matchAll(/R/g)].map(({ index }) => index + 1);
    const at = moment(checkpoint === 0 ? 1 : ends[checkpoint - 1]! + 1, ends[checkpoint]!);
    const out = join(folder, name.replaceAll(' ', '-'));
    expect((await start(out, at)).end).toEqual(killed);
    const file = join(out, 'checkpoint.safetensors');
    expect(existsSync(file)).toBe(checkpoint > 0);
    // Its checksum is that of what was written.
    if (checkpoint > 0) (await loadModel(file)).dispose();
    expect((await start(out)).end).toEqual(done);
    expect(weights(out).equals(weights(whole))).toBe(true);
    expect(readdirSync(out).sort()).toEqual(readdirSync(whole).sort());
  });
});
