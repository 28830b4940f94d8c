import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Evaluation } from '../../../src/evaluation.ts';
import { readEvaluation, writeEvaluation } from '../../../src/report/json.ts';
import { evaluationFixture, example } from './fixture.ts';

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selfgrad-json-'));
  path = join(directory, 'evaluation.json');
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Writes the fixture after `change` has had its way with the plain document. */
async function writeChanged(change: (document: Evaluation) => void): Promise<void> {
  const document = JSON.parse(JSON.stringify(evaluationFixture()));
  change(document);
  await writeFile(path, JSON.stringify(document));
}

describe('writeEvaluation and readEvaluation', () => {
  test('give back what was written, and leave no other file', async () => {
    const evaluation = evaluationFixture();
    await writeEvaluation(path, evaluation);
    expect(await readEvaluation(path)).toEqual(evaluation);
    expect(await readdir(directory)).toEqual(['evaluation.json']);
  });

  test('round the pixels of examples to four decimals, and nothing else', async () => {
    const image = [1 / 3, 2 / 3, 0.00004, 1];
    const evaluation = evaluationFixture({ examples: [{ ...example, image }] });
    await writeEvaluation(path, evaluation);
    const read = await readEvaluation(path);
    expect(read.examples[0]!.image).toEqual([0.3333, 0.6667, 0, 1]);
    expect(read.clean).toEqual(evaluation.clean);
    expect(evaluation.examples[0]!.image).toEqual(image);
  });

  test('round gradients of examples to three digits', async () => {
    const gradient = [1.23456e-7, -12345.6, 0, 1];
    await writeEvaluation(path, evaluationFixture({ examples: [{ ...example, gradient }] }));
    expect((await readEvaluation(path)).examples[0]!.gradient).toEqual([1.23e-7, -12300, 0, 1]);
  });

  test('read examples of a version that kept no gradients', async () => {
    await writeChanged(({ examples }) => delete examples[0]!.gradient);
    expect((await readEvaluation(path)).examples[0]).not.toHaveProperty('gradient');
  });

  test('keep that a model has no gradient', async () => {
    await writeEvaluation(path, evaluationFixture({ examples: [{ ...example, gradient: null }] }));
    expect((await readEvaluation(path)).examples[0]!.gradient).toBeNull();
  });

  test('replace an older file', async () => {
    await writeEvaluation(path, evaluationFixture({ seed: 1 }));
    await writeEvaluation(path, evaluationFixture({ seed: 2 }));
    expect((await readEvaluation(path)).seed).toBe(2);
  });
});

describe('writeEvaluation', () => {
  test('says what to do when the directory is not there', async () => {
    const missing = join(directory, 'none', 'evaluation.json');
    await expect(writeEvaluation(missing, evaluationFixture())).rejects.toMatchObject({
      code: 'ERR_WRITE',
      message: expect.stringMatching(
        /^Cannot write .*evaluation\.json: ENOENT.*\. Check that the directory exists, is writable and has space\.$/,
      ),
    });
  });

  test('leaves the target and no half-written file when it cannot be replaced', async () => {
    await writeFile(join(directory, 'keep'), 'x');
    await expect(writeEvaluation(directory, evaluationFixture())).rejects.toMatchObject({
      code: 'ERR_WRITE',
    });
    expect(await readFile(join(directory, 'keep'), 'utf8')).toBe('x');
    const siblings = await readdir(tmpdir());
    expect(siblings.filter((name) => join(tmpdir(), name).startsWith(`${directory}.`))).toEqual([]);
  });
});

describe('readEvaluation', () => {
  test('names a file that is not there', async () => {
    await expect(readEvaluation(path)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(
        /^Cannot read .*evaluation\.json: ENOENT.*\. Run selfgrad eval first, or give the path of an evaluation\.json\.$/,
      ),
    });
  });

  test.each([
    ['', 'an empty file'],
    ['{"schema": "selfgrad.eval', 'text that is not JSON'],
  ])('refuses %j', async (text, received) => {
    await writeFile(path, text);
    await expect(readEvaluation(path)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: `Expected JSON in ${path} but received ${received}. Run selfgrad eval again to write it anew.`,
    });
  });

  test.each([
    ['null', 'a document without schema'],
    ['{}', 'a document without schema'],
    ['{"schema": "selfgrad.evaluation/1"}', '"selfgrad.evaluation/1"'],
  ])('refuses the foreign document %s', async (text, received) => {
    await writeFile(path, text);
    await expect(readEvaluation(path)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: `Expected the schema "selfgrad.evaluation/2" in ${path} but received ${received}. Read it with the version of selfgrad that wrote it, or run selfgrad eval again.`,
    });
  });

  test.each<[string, (document: Evaluation) => void, string]>([
    ['a missing field', (document) => Reflect.deleteProperty(document, 'seed'), 'seed is wrong'],
    ['a rate above one', ({ clean }) => Object.assign(clean, { rate: 1.5 }), 'clean.rate is wrong'],
    [
      'more correct than counted',
      ({ robust }) => Object.assign(robust, { correct: 20_000 }),
      'robust is wrong: correct is larger than count',
    ],
    [
      'a gradient of another size',
      ({ examples }) => Object.assign(examples[0]!, { gradient: [0.5, 1] }),
      'examples.0.gradient is wrong: expected 4 pixels but received 2',
    ],
    [
      'a gradient that is no list of numbers',
      ({ examples }) => Object.assign(examples[0]!, { gradient: [0.5, null, 1, 1] }),
      'examples.0.gradient.1 is wrong',
    ],
    [
      'an image of another size',
      ({ examples }) => Object.assign(examples[0]!, { adversarial: [0.5] }),
      'examples.0.adversarial is wrong: expected 4 pixels but received 1',
    ],
  ])('names the place of %s', async (_, change, place) => {
    await writeChanged(change);
    await expect(readEvaluation(path)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining(`Expected an evaluation in ${path} but ${place}`),
    });
  });
});
