/** The checks for gradient masking that lie beside an evaluation, and their section of the report. */
import { z } from 'zod';
import type { Evaluation } from '../evaluation.ts';
import type { MaskingAnalysis } from '../maskingAnalysis.ts';
import { explainedName } from './explanations.ts';
import { foreignSection, ofSameNetwork, readFindings, subjectSchema } from './findings.ts';
import { counted, threatText } from './format.ts';
import { html, type Markup } from './markup.ts';
import { section } from './page.ts';
import { heads, scrolling, textHead } from './tables.ts';

/** What the report shows of an analysis. */
export interface MaskingFindings {
  model: Pick<MaskingAnalysis['model'], 'sha256'>;
  data: Pick<MaskingAnalysis['data'], 'count'>;
  threat: MaskingAnalysis['threat'];
  checks: { name: string; raised: boolean; evidence: string }[];
  verdict: MaskingAnalysis['verdict'];
}

const findingsSchema: z.ZodType<MaskingFindings> = z.object({
  schema: z.literal('selfgrad.masking/1'),
  ...subjectSchema,
  checks: z.array(z.object({ name: z.string(), raised: z.boolean(), evidence: z.string() })).min(1),
  verdict: z.enum(['no sign', 'suspect']),
});

/**
 * Reads what `selfgrad masking --out` wrote; null when there is no such file.
 *
 * @throws SelfgradError `ERR_DATA` when the file holds something else
 */
export function readMasking(path: string): Promise<MaskingFindings | null> {
  return readFindings(path, findingsSchema, 'masking');
}

/** Each check with what was seen; another network's are named as such and not shown. */
export function maskingSection(found: MaskingFindings, evaluation: Evaluation): Markup {
  const title = 'Gradient masking';
  if (!ofSameNetwork(found, evaluation)) return foreignSection('masking', title);
  const raised = found.checks.filter((check) => check.raised).map(({ name }) => name);
  const verdict =
    found.verdict === 'suspect'
      ? `Suspect: ${raised.join(', ')}. Robust accuracy must not be believed before this is understood`
      : 'No sign of masking, which proves nothing';
  return section(
    'masking',
    title,
    `${verdict}. ${counted(found.data.count, 'image')}, ${threatText(found.threat)}.`,
    scrolling(
      'Checks for masked gradients',
      heads(['check', textHead('result'), textHead('what was seen')]),
      found.checks.map(
        ({ name, raised: bad, evidence }) =>
          html`<tr><th scope="row">${explainedName(name)}</th><td class="text">${bad ? html`<b class="wrong">raised</b>` : 'not raised'}</td><td class="text">${evidence}</td></tr>`,
      ),
    ),
  );
}
