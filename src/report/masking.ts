/** The checks for gradient masking that lie beside an evaluation, and their section of the report. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { SelfgradError } from '../errors.ts';
import type { Evaluation } from '../evaluation.ts';
import type { MaskingAnalysis } from '../maskingAnalysis.ts';
import { counted, threatText } from './format.ts';
import { html, type Markup } from './markup.ts';
import { section } from './page.ts';
import { heads, scrolling } from './tables.ts';

/** What the report shows of an analysis. */
export interface MaskingFindings {
  model: Pick<MaskingAnalysis['model'], 'sha256'>;
  data: Pick<MaskingAnalysis['data'], 'count'>;
  threat: MaskingAnalysis['threat'];
  checks: { name: string; raised: boolean; evidence: string }[];
  verdict: MaskingAnalysis['verdict'];
}

const findingsSchema = z.object({
  schema: z.literal('selfgrad.masking/1'),
  model: z.object({ sha256: z.string().nullable() }),
  data: z.object({ count: z.number().int().min(0) }),
  threat: z.object({ norm: z.enum(['linf', 'l2']), eps: z.number().min(0), epsText: z.string() }),
  checks: z.array(z.object({ name: z.string(), raised: z.boolean(), evidence: z.string() })).min(1),
  verdict: z.enum(['no sign', 'suspect']),
});

/**
 * Reads what `selfgrad masking --out` wrote; null when there is no such file.
 *
 * @throws SelfgradError `ERR_DATA` when the file holds something else
 */
export async function readMasking(path: string): Promise<MaskingFindings | null> {
  try {
    return findingsSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    const issue = cause instanceof z.ZodError ? cause.issues[0]! : undefined;
    const wrong = issue ? `${issue.path.join('.')} is wrong: ${issue.message}` : (cause as Error).message;
    throw new SelfgradError('ERR_DATA', `Expected the checks of selfgrad masking in ${path} but ${wrong}.`, {
      fix: 'Run selfgrad masking again with --out, or remove the file.',
      cause,
    });
  }
}

/** Each check with what was seen; another network's are named as such and not shown. */
export function maskingSection(found: MaskingFindings, { model }: Evaluation): Markup {
  const title = 'Gradient masking';
  if (found.model.sha256 !== model.sha256) {
    return section(
      'masking',
      title,
      'masking.json beside this evaluation is of another network (its SHA-256 differs) and is not shown.',
      null,
    );
  }
  const raised = found.checks.filter((check) => check.raised).map(({ name }) => name);
  const verdict =
    found.verdict === 'suspect'
      ? `Suspect: ${raised.join(', ')}. Robust accuracy must not be believed before this is understood`
      : 'No sign of masking, which proves nothing';
  return section(
    'masking',
    title,
    `${verdict}; docs/masking.md explains each check. ${counted(found.data.count, 'image')}, ${threatText(found.threat)}.`,
    scrolling(
      'Checks for masked gradients',
      heads(['check', 'result', 'what was seen', 'explained in']),
      found.checks.map(
        ({ name, raised: bad, evidence }) =>
          html`<tr><th scope="row">${name}</th><td>${bad ? html`<b class="wrong">raised</b>` : 'not raised'}</td><td>${evidence}</td><td><code>docs/masking.md#${name}</code></td></tr>`,
      ),
    ),
  );
}
