/** What a sweep's folder says of its runs after any interruption. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readManifest, statusOf, sweepFiles, writeManifest } from '../../../src/sweep/manifest.ts';
import { planSweep } from '../../../src/sweep/plan.ts';

const plan = (lrs: number[]) => planSweep({ origin: 'sweep.yaml', values: { grid: { 'train.lr': lrs } } });

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'selfgrad-sweep-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return join(made, 'sweep');
}

test('every shard writes the same bytes', async () => {
  const [a, b] = [folder(), folder()];
  await writeManifest(a, plan([0.1, 0.2]));
  await writeManifest(b, plan([0.1, 0.2]));
  await writeManifest(b, plan([0.1, 0.2]));
  const bytes = (path: string) => readFileSync(join(path, 'sweep.json'), 'utf8');
  expect(bytes(a)).toBe(bytes(b));
  expect((await readManifest(a)).runs.map(({ point }) => point)).toEqual([
    { 'train.lr': 0.1 },
    { 'train.lr': 0.2 },
  ]);
});

test('a sweep may grow, and does not lose runs', async () => {
  const path = folder();
  await writeManifest(path, plan([0.1]));
  await writeManifest(path, plan([0.1, 0.2]));
  await expect(writeManifest(path, plan([0.2]))).rejects.toMatchObject({
    code: 'ERR_OPTION',
    message: expect.stringContaining('1 of its runs are not in this one'),
  });
  expect((await readManifest(path)).runs).toHaveLength(2);
});

test('a folder without a manifest is said so', async () => {
  await expect(readManifest(folder())).rejects.toMatchObject({ code: 'ERR_DATA' });
});

test('the files of a run say how far it has come', () => {
  const files = sweepFiles(folder(), { id: 'a' });
  mkdirSync(files.directory, { recursive: true });
  expect(statusOf(files, true)).toBe('new');
  writeFileSync(files.config, '');
  writeFileSync(files.events, '');
  expect(statusOf(files, true)).toBe('new');
  writeFileSync(files.checkpoint, '');
  expect(statusOf(files, true)).toBe('begun');
  writeFileSync(files.model, '');
  expect(statusOf(files, true)).toBe('trained');
  expect(statusOf(files, false)).toBe('done');
  writeFileSync(files.evaluation, '');
  expect(statusOf(files, true)).toBe('done');
});
