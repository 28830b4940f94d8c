/** The result of the checks for gradient masking as aligned lines for a terminal. */
import type { MaskingAnalysis } from '../maskingAnalysis.ts';
import { duration, passPair } from './format.ts';
import { headline, plain } from './table.ts';

/** The lines that `selfgrad masking` prints: each check with its evidence, and the verdict. */
export function renderMasking(analysis: MaskingAnalysis): string {
  const { checks } = analysis;
  const raised = checks.filter((check) => check.raised);
  const width = Math.max(...checks.map(({ name }) => name.length));
  return [
    `masking  ${headline(analysis)}`,
    ...checks.map(
      ({ name, raised: bad, evidence }) => `${name.padEnd(width)}  ${bad ? 'RAISED' : 'ok    '}  ${evidence}`,
    ),
    `passes  ${passPair(analysis.passes).join('  ')}  ${duration(analysis.seconds)}`,
    raised.length === 0
      ? `verdict  no sign of masking in ${checks.length} checks; a sign that is absent proves nothing`
      : `verdict  suspect: ${raised.map(({ name }) => name).join(', ')} (docs/masking.md says what to do)`,
  ]
    .map(plain)
    .join('\n');
}
