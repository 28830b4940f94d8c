/** `evaluation.json`: the evaluation as it is, so that a report or a comparison can be made later. */
import { readFile } from 'node:fs/promises';
import { SelfgradError } from '../errors.ts';
import type { Evaluation } from '../evaluation.ts';
import { evaluationSchema } from './evaluationSchema.ts';
import { writeAtomic } from './writeAtomic.ts';

/** Pixels are shown, not computed on: four decimals are finer than the 8 bits of a screen. */
function shortPixels(pixels: readonly number[]): number[] {
  return pixels.map((value) => Math.round(value * 1e4) / 1e4);
}

/** A gradient has no scale of its own, so that digits are kept instead of decimals. */
function shortGradient(gradient: readonly number[]): number[] {
  return gradient.map((value) => Number(value.toPrecision(3)));
}

/**
 * Writes an evaluation as one JSON document, whole or not at all. The pixels of its examples are rounded to
 * four decimals and their gradients to three digits; every other number keeps all its digits.
 *
 * @returns the evaluation as it was written, so that a report made of it now and one made later are the same
 * @throws SelfgradError `ERR_WRITE` when the file cannot be written.
 */
export async function writeEvaluation(path: string, evaluation: Evaluation): Promise<Evaluation> {
  const examples = evaluation.examples.map((example) => ({
    ...example,
    image: shortPixels(example.image),
    adversarial: shortPixels(example.adversarial),
    ...(example.gradient && { gradient: shortGradient(example.gradient) }),
  }));
  const written = { ...evaluation, examples };
  await writeAtomic(path, `${JSON.stringify(written)}\n`);
  return written;
}

const rewrite = 'Run selfgrad eval again to write it anew.';

/**
 * Reads an evaluation that `writeEvaluation` wrote, and checks every field of it.
 *
 * @throws SelfgradError `ERR_DATA` when the file is missing, is not JSON, or is not an evaluation.
 */
export async function readEvaluation(path: string): Promise<Evaluation> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new SelfgradError('ERR_DATA', `Cannot read ${path}: ${(cause as Error).message}.`, {
      fix: 'Run selfgrad eval first, or give the path of an evaluation.json.',
      cause,
    });
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    const received = text.trim() === '' ? 'an empty file' : 'text that is not JSON';
    throw new SelfgradError('ERR_DATA', `Expected JSON in ${path} but received ${received}.`, {
      fix: rewrite,
      cause,
    });
  }
  const result = evaluationSchema.safeParse(document);
  if (result.success) return result.data;
  const schema = (document as { schema?: unknown } | null)?.schema;
  if (schema !== 'selfgrad.evaluation/2') {
    const received = schema === undefined ? 'a document without schema' : JSON.stringify(schema);
    throw new SelfgradError(
      'ERR_DATA',
      `Expected the schema "selfgrad.evaluation/2" in ${path} but received ${received}.`,
      { fix: 'Read it with the version of selfgrad that wrote it, or run selfgrad eval again.' },
    );
  }
  const { path: place, message } = result.error.issues[0]!;
  throw new SelfgradError(
    'ERR_DATA',
    `Expected an evaluation in ${path} but ${place.join('.')} is wrong: ${message}.`,
    {
      fix: rewrite,
    },
  );
}
