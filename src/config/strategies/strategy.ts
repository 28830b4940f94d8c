/** The registry of training strategies: what each costs and what the native core is given. */
import type { NativeStrategyOptions } from '../../native/binding.ts';
import { named } from '../option.ts';
import type { Threat } from '../threat.ts';
import { type FgsmRsStrategy, type FgsmRsStrategyOptions, fgsmRsPasses, fgsmRsSchema } from './fgsmRs.ts';
import { type PgdStrategy, type PgdStrategyOptions, pgdPasses, pgdStrategySchema } from './pgd.ts';
import {
  type SelfGradientStrategy,
  type SelfGradientStrategyOptions,
  selfGradientPasses,
  selfGradientSchema,
} from './selfGradient.ts';
import { type StandardStrategy, standardPasses, standardSchema } from './standard.ts';

/** How training images are perturbed, told apart by `name`. */
export type Strategy = StandardStrategy | PgdStrategy | FgsmRsStrategy | SelfGradientStrategy;
export type StrategyName = Strategy['name'];

/** A strategy as a user writes it; the bare name stands for its defaults. */
export type StrategyInput =
  | StrategyName
  | { name: 'standard' }
  | ({ name: 'pgd' } & PgdStrategyOptions)
  | ({ name: 'fgsm-rs' } & FgsmRsStrategyOptions)
  | ({ name: 'self-gradient' } & SelfGradientStrategyOptions);

/** All strategies, simplest first. */
export const strategyNames: readonly StrategyName[] = ['standard', 'pgd', 'fgsm-rs', 'self-gradient'];

/** @internal */
export const strategySchema = named(strategyNames, 'How training images are perturbed.', [
  standardSchema,
  pgdStrategySchema,
  fgsmRsSchema,
  selfGradientSchema,
]);

/**
 * Passes through the network (one forward and one backward) that one epoch spends on each example; perturbing
 * the weights repeats each training pass.
 */
export function passesPerExample(strategy: Strategy, perturbsWeights = false): number {
  return attackAndTrainingPasses(strategy) + (perturbsWeights ? trainingPasses(strategy) : 0);
}

/** New images that a step takes: fewer than it trains on when others are carried over. */
export function imagesPerStep(strategy: Strategy, batchSize: number): number {
  return strategy.name === 'self-gradient' ? Math.max(1, Math.floor(batchSize / strategy.relay)) : batchSize;
}

function trainingPasses(strategy: Strategy): number {
  return strategy.name === 'self-gradient' ? strategy.relay : 1;
}

function attackAndTrainingPasses(strategy: Strategy): number {
  switch (strategy.name) {
    case 'standard':
      return standardPasses();
    case 'pgd':
      return pgdPasses(strategy);
    case 'fgsm-rs':
      return fgsmRsPasses();
    case 'self-gradient':
      return selfGradientPasses(strategy);
  }
}

/** The strategy with every default that depends on the threat model filled in. */
export function nativeStrategy(strategy: Strategy, threat: Threat): NativeStrategyOptions {
  switch (strategy.name) {
    case 'standard':
    case 'pgd':
      return { ...strategy };
    case 'fgsm-rs':
      return { ...strategy, alpha: strategy.alpha ?? 1.25 * threat.eps };
    case 'self-gradient':
      return { ...strategy, alpha: strategy.alpha ?? threat.eps };
  }
}
