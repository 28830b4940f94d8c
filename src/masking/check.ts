/** The words of a check's evidence. */
import type { Rate } from '../evaluation.ts';
import type { MaskingCheck, MaskingCheckName } from '../maskingAnalysis.ts';
import { percent } from '../report/format.ts';

export function check(
  name: MaskingCheckName,
  raised: boolean,
  evidence: string,
  figures: Record<string, number>,
): MaskingCheck {
  return { name, raised, evidence, figures };
}

export function share({ rate }: Rate): string {
  return percent(rate, 1);
}

/** Images that `weak` broke and `strong` did not, net of the reverse, as a share: above zero is the wrong order. */
export function advantage(weak: Rate, strong: Rate): number {
  return (strong.correct - weak.correct) / strong.count;
}
