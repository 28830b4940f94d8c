/** Parts of the command line that need no process of their own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { commandLine } from '../../src/cli/configFlags.ts';
import { parseGate } from '../../src/cli/gate.ts';
import { parseIndices } from '../../src/cli/indices.ts';
import { Interrupted, interruptible } from '../../src/cli/interrupt.ts';
import { readHistory, runOf } from '../../src/cli/runFiles.ts';
import { encodePng, toBytes } from '../../src/png.ts';
import { modelFile, runFiles } from '../../src/runFiles.ts';
import { temporaryFolder } from './selfgrad.ts';

describe('parseIndices', () => {
  it.each([
    ['0', [0]],
    ['0..3', [0, 1, 2, 3]],
    ['7, 3..5,3', [7, 3, 4, 5]],
  ])('reads %s', (text, indices) => {
    expect(parseIndices(text)).toEqual(indices);
  });

  it.each(['', 'a', '-1', '3..1', '0..1000', '1.5', '0..500,600..1200'])('refuses %j', (text) => {
    expect(() => parseIndices(text)).toThrow(
      `Expected indices such as 0..9 or 3,5,8 (at most 1000) for --index but received '${text}'.`,
    );
  });
});

describe('parseGate', () => {
  it('collects gates', () => {
    const gates = parseGate('clean=0.8', parseGate('robust=.45', []));
    expect(gates).toEqual([
      { what: 'robust', least: 0.45 },
      { what: 'clean', least: 0.8 },
    ]);
  });

  it.each(['robust', 'robust=45', 'robust=1.1', 'pgd=0.4', 'robust=-1', 'robust=1/2'])(
    'refuses %s',
    (text) => {
      expect(() => parseGate(text, [])).toThrow('Expected robust=SHARE or clean=SHARE');
    },
  );
});

describe('commandLine', () => {
  it('quotes what a shell would change', () => {
    expect(commandLine(['eval', 'runs/a b', 'evaluate.attacks=[pgd]', "it's"])).toBe(
      "npx selfgrad eval 'runs/a b' 'evaluate.attacks=[pgd]' 'it'\\''s'",
    );
  });
});

describe('interruptible', () => {
  const waitForAbort = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 75],
  ] as const)('turns %s into an abort and exit code %d', async (signal, exitCode) => {
    const job = interruptible(waitForAbort, () => 'To go on: again');
    process.emit(signal, signal);
    const error = await job.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Interrupted);
    expect(error).toMatchObject({ exitCode, message: `Interrupted by ${signal}. To go on: again` });
  });

  it('reports a signal also when the job returns after it', async () => {
    const job = interruptible((signal) => waitForAbort(signal).catch(() => 'partial result'));
    process.emit('SIGINT', 'SIGINT');
    await expect(job).rejects.toBeInstanceOf(Interrupted);
  });

  it('gives results and other errors through, and leaves no handler behind', async () => {
    const before = process.listenerCount('SIGINT');
    await expect(interruptible(async () => 3)).resolves.toBe(3);
    await expect(interruptible(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});

describe('png', () => {
  it('rounds to 8 bits', () => {
    expect([...toBytes(Float32Array.of(0, 1, 0.5, 100 / 255, -1, 2))]).toEqual([0, 255, 128, 100, 0, 255]);
  });

  it('keeps pixels and their places', () => {
    const planes = Uint8Array.from({ length: 3 * 2 * 4 }, (_, i) => i * 10);
    const png = decode(encodePng(planes, [3, 2, 4]));
    expect(png).toMatchObject({ width: 4, height: 2, channels: 3, depth: 8 });
    expect([...png.data.slice(0, 6)]).toEqual([0, 80, 160, 10, 90, 170]);
  });
});

describe('run files', () => {
  it('belong to the directory, or the directory of the file', () => {
    const folder = temporaryFolder();
    expect(runOf(folder).model).toBe(join(folder, 'model.safetensors'));
    expect(runOf(join(folder, 'model.safetensors')).directory).toBe(folder);
  });

  it('offer the checkpoint of a run that has no model yet', () => {
    const folder = temporaryFolder();
    const { checkpoint, model } = runFiles(folder);
    expect(modelFile(folder)).toBe(model);
    writeFileSync(checkpoint, '');
    expect(modelFile(folder)).toBe(checkpoint);
    writeFileSync(model, '');
    expect(modelFile(folder)).toBe(model);
    expect(modelFile(checkpoint)).toBe(checkpoint);
  });

  it('read events up to a line that was cut short', () => {
    const folder = join(temporaryFolder(), 'run');
    expect(readHistory(runFiles(folder))).toEqual([]);
    mkdirSync(folder);
    writeFileSync(runFiles(folder).events, '{"type":"checkpoint","path":"a","step":1}\n{"type":"step","st');
    expect(readHistory(runFiles(folder))).toEqual([{ type: 'checkpoint', path: 'a', step: 1 }]);
  });
});
