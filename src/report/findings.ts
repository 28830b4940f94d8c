/** What other commands found of a network and left in its run directory, for the report. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { SelfgradError } from '../errors.ts';
import type { Evaluation } from '../evaluation.ts';
import type { Markup } from './markup.ts';
import { section } from './page.ts';

/** What findings of either kind say of the network, the images and the threat. */
export const subjectSchema = {
  model: z.object({ sha256: z.string().nullable() }),
  data: z.object({ count: z.number().int().min(0) }),
  threat: z.object({ norm: z.enum(['linf', 'l2']), eps: z.number().min(0), epsText: z.string() }),
};

/**
 * Reads what `selfgrad COMMAND --out` wrote; null when there is no such file.
 *
 * @throws SelfgradError `ERR_DATA` when the file holds something else
 */
export async function readFindings<T>(
  path: string,
  schema: z.ZodType<T>,
  command: 'masking' | 'stability',
): Promise<T | null> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    const issue = cause instanceof z.ZodError ? cause.issues[0]! : undefined;
    const wrong = issue ? `${issue.path.join('.')} is wrong: ${issue.message}` : (cause as Error).message;
    throw new SelfgradError('ERR_DATA', `Expected what selfgrad ${command} writes in ${path} but ${wrong}.`, {
      fix: `Run selfgrad ${command} again with --out, or remove the file.`,
      cause,
    });
  }
}

/** Whether findings are of the network that was evaluated. */
export function ofSameNetwork(
  found: { model: { sha256: string | null } },
  { model }: Pick<Evaluation, 'model'>,
): boolean {
  return found.model.sha256 === model.sha256;
}

/** The section in place of another network's findings, which are not shown. */
export function foreignSection(command: 'masking' | 'stability', title: string): Markup {
  const lead = `${command}.json beside this evaluation is of another network (its SHA-256 differs) and is not shown.`;
  return section(command, title, lead, null);
}
