/** The claim in small: at equal passes the method withstands more than PGD-10 on the images in the package. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { packageRoot } from '../../src/native/packageRoot.ts';
import { temporaryFolder } from './tiny.ts';

interface Versions {
  selfgrad: string;
  commit: string | null;
}
interface Row {
  method: string;
  versions: Versions;
  flops: number;
  data: { trainCount: number };
  train: { passes: { forward: number; backward: number }; weightGradients: number };
  outcomes: { count: number; attacks: Record<string, { robust: string; versions: Versions }> };
}
type Interval = { mean: number; half: number };

const load = (name: string) => import(join(packageRoot, 'bench/claims', name));
const folder = temporaryFolder();

async function compare(): Promise<string> {
  const script = join(packageRoot, 'bench/claims/run.mjs');
  const args = ['--plan', join(packageRoot, 'bench/claims/smoke.mjs'), '--source', 'fashion-mnist-mini'];
  const folders = ['--out', join(folder, 'rows'), '--work', join(folder, 'work')];
  return (await promisify(execFile)(process.execPath, [script, ...args, ...folders])).stdout;
}

// Half a minute on two idle cores; a busy machine takes longer.
it('self-gradient training beats PGD-10 training at equal passes, and the comparison resumes', async () => {
  expect((await compare()).trim().split('\n')).toHaveLength(2);
  const { readRows } = (await load('rows.mjs')) as { readRows(folder: string): Row[] };
  const { unpackBits } = (await load('bits.mjs')) as { unpackBits(text: string, count: number): number[] };
  const { pairedInterval } = (await load('statistics.mjs')) as {
    pairedInterval(a: number[][], b: number[][]): Interval;
  };
  const rows = readRows(join(folder, 'rows'));
  const [theirs, ours] = rows as [Row, Row];
  expect(theirs.method).toBe('pgd-10');
  expect(ours.method).toBe('self-gradient');

  // Whole steps: the budgets agree to half a step of 11 passes over 128 images.
  const passes = ({ train, data }: Row) => train.passes.backward / data.trainCount;
  expect(Math.abs(passes(ours) - passes(theirs))).toBeLessThan(0.1);
  expect(theirs.train.weightGradients * 11).toBe(theirs.train.passes.backward);
  expect(ours.flops).toBe(1_218_768);

  expect(ours.versions.commit ?? 'none').toMatch(/^([0-9a-f]{40}(-dirty)?|none)$/);
  expect(ours.outcomes.attacks['CW-20']!.versions).toEqual(ours.versions);

  const worst = ({ outcomes: { count, attacks } }: Row) => {
    const each = Object.values(attacks).map(({ robust }) => unpackBits(robust, count));
    return each[0]!.map((_, i) => Math.min(...each.map((bits) => bits[i]!)));
  };
  const gap = pairedInterval([worst(ours)], [worst(theirs)]);
  expect(gap.mean - gap.half).toBeGreaterThan(0);

  // Everything is done: the same command trains and attacks nothing, and draws what there is.
  expect(await compare()).toBe('');
  expect(readFileSync(join(folder, 'rows', 'README.md'), 'utf8')).toMatch(
    /^# The comparison in small\n.*\| `self-gradient` \| 0\.1 \| 0 \|/s,
  );
  expect(readFileSync(join(folder, 'rows', 'claims-cnn-passes.svg'), 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s);
}, 600_000);
