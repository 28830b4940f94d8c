/** Training on the images as they are: the baseline without robustness. */
import { z } from 'zod';
import { section } from '../option.ts';

export interface StandardStrategy {
  name: 'standard';
}

/** @internal */
export const standardSchema = section('Clean images only.', {
  name: z.literal('standard'),
}) satisfies z.ZodType<StandardStrategy>;

/** Training on clean images: one forward and backward pass per example and epoch. */
export function standard(): StandardStrategy {
  return { name: 'standard' };
}

/** Forward+backward passes per example and epoch. */
export function standardPasses(): number {
  return 1;
}
