/** The folder of a sweep: its manifest, a directory for each run, and how far each has come. */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SelfgradError } from '../errors.ts';
import { writeAtomic } from '../report/writeAtomic.ts';
import { type RunFiles, runFiles } from '../runFiles.ts';
import type { Sweep, SweepRun } from './plan.ts';

/** `new`: nothing is kept; `begun`: there is a checkpoint; `trained`: there is a model; `done`. */
export type RunStatus = 'new' | 'begun' | 'trained' | 'done';

const manifestSchema = z.object({
  schema: z.literal('selfgrad.sweep/1'),
  evaluate: z.boolean(),
  runs: z.array(
    z.object({ id: z.string(), point: z.record(z.string(), z.unknown()), seed: z.number().int() }),
  ),
});

/** `sweep.json`: which runs there are, in their order; the run directories hold everything else. */
export type SweepManifest = z.output<typeof manifestSchema>;

const manifestPath = (folder: string) => join(folder, 'sweep.json');

/** The files of a run of the sweep in `folder`. */
export function sweepFiles(folder: string, { id }: Pick<SweepRun, 'id'>): RunFiles {
  return runFiles(join(folder, id));
}

/** How far a run has come: told by its files, so that a kill at any time leaves the truth. */
export function statusOf(files: RunFiles, evaluate: boolean): RunStatus {
  if (existsSync(files.model)) return !evaluate || existsSync(files.evaluation) ? 'done' : 'trained';
  return existsSync(files.checkpoint) ? 'begun' : 'new';
}

/** The manifest that a sweep has. */
export function manifestOf({ evaluate, runs }: Sweep): SweepManifest {
  return {
    schema: 'selfgrad.sweep/1',
    evaluate,
    runs: runs.map(({ id, point, seed }) => ({ id, point, seed })),
  };
}

/**
 * Reads `sweep.json`.
 *
 * @throws SelfgradError `ERR_DATA` when there is none, or it is none
 */
export async function readManifest(folder: string): Promise<SweepManifest> {
  const path = manifestPath(folder);
  try {
    return manifestSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected the manifest of a sweep in ${path} but could not read it.`,
      {
        fix: 'Name the folder that selfgrad sweep was given as --out.',
        cause,
      },
    );
  }
}

/**
 * Writes the manifest, the same bytes from every shard. A sweep may grow: what the folder holds must be part of it.
 *
 * @throws SelfgradError `ERR_OPTION` when the folder holds runs of another sweep, `ERR_WRITE`
 */
export async function writeManifest(folder: string, sweep: Sweep): Promise<void> {
  if (existsSync(manifestPath(folder))) {
    const ids = new Set(sweep.runs.map(({ id }) => id));
    const lost = (await readManifest(folder)).runs.filter(({ id }) => !ids.has(id));
    if (lost.length > 0) {
      throw new SelfgradError(
        'ERR_OPTION',
        `Expected the sweep that ${folder} holds but ${lost.length} of its runs are not in this one.`,
        { fix: 'Name another folder, or put the values back: a grid may grow, not shrink.' },
      );
    }
  }
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new SelfgradError('ERR_WRITE', `Cannot create ${folder}: ${(cause as Error).message}.`, {
      fix: 'Choose another with --out.',
      cause,
    });
  }
  await writeAtomic(manifestPath(folder), `${JSON.stringify(manifestOf(sweep), null, 2)}\n`);
}
