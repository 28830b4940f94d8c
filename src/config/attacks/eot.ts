/** Expectation over transformation (https://arxiv.org/abs/1707.07397): gradients as means, for networks that draw. */
import { integer } from '../option.ts';

/** What gradient attacks share as options. */
export interface EotOptions {
  /**
   * Passes that each gradient is the mean of, at least 1. More than one makes sense only for a network whose logits
   * depend on chance. Defaults to 1.
   */
  eot?: number;
}

/** @internal */
export const attackEot = integer({
  description: 'Passes that each gradient is the mean of; more than 1 for networks that draw random numbers.',
  gte: 1,
}).prefault(1);
