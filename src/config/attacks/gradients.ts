/** How gradient attacks compute their gradients: as means, for networks that draw, and in which number format. */
import { choice, integer } from '../option.ts';

/** What gradient attacks share. */
export interface AttackGradients {
  eot: number;
  precision: GradientPrecision;
}

export type GradientPrecision = 'float32' | 'bfloat16';

/** The same as options. */
export interface GradientOptions {
  /**
   * Passes that each gradient is the mean of, at least 1. More than one makes sense only for a network whose logits
   * depend on chance (expectation over transformation, https://arxiv.org/abs/1707.07397). Defaults to 1.
   */
  eot?: number;
  /**
   * Number format of the passes that give gradients. `bfloat16` is faster and finds other images here and there; logits
   * that are close to a tie, every success and the recount are float32 in either case. Defaults to `float32`.
   */
  precision?: GradientPrecision;
}

/** @internal */
export const attackPrecision = choice(['float32', 'bfloat16'], {
  description: 'Number format of the passes that give gradients; each success is confirmed in float32.',
}).prefault('float32');

/** @internal */
export const attackGradients = {
  eot: integer({
    description:
      'Passes that each gradient is the mean of; more than 1 for networks that draw random numbers.',
    gte: 1,
  }).prefault(1),
  precision: attackPrecision,
};
