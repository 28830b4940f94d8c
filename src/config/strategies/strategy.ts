/** The registry of training strategies: what each costs and what the native core is given. */
import type { NativeStrategyOptions } from '../../native/trainBinding.ts';
import { named } from '../option.ts';
import type { Threat } from '../threat.ts';
import { type AttaStrategy, type AttaStrategyOptions, attaPasses, attaSchema } from './atta.ts';
import { type FgsmRsStrategy, type FgsmRsStrategyOptions, fgsmRsPasses, fgsmRsSchema } from './fgsmRs.ts';
import { type FreeStrategy, type FreeStrategyOptions, freePasses, freeSchema } from './free.ts';
import {
  type GradalignStrategy,
  type GradalignStrategyOptions,
  gradalignPasses,
  gradalignSchema,
} from './gradalign.ts';
import { type MartStrategy, type MartStrategyOptions, martPasses, martSchema } from './mart.ts';
import { type NFgsmStrategy, type NFgsmStrategyOptions, nFgsmPasses, nFgsmSchema } from './nFgsm.ts';
import { type PgdStrategy, type PgdStrategyOptions, pgdPasses, pgdStrategySchema } from './pgd.ts';
import {
  type SelfGradientStrategy,
  type SelfGradientStrategyOptions,
  selfGradientPasses,
  selfGradientSchema,
} from './selfGradient.ts';
import { type StandardStrategy, standardPasses, standardSchema } from './standard.ts';
import { type TradesStrategy, type TradesStrategyOptions, tradesPasses, tradesSchema } from './trades.ts';

/** How training images are perturbed, told apart by `name`. */
export type Strategy =
  | StandardStrategy
  | PgdStrategy
  | FgsmRsStrategy
  | NFgsmStrategy
  | FreeStrategy
  | GradalignStrategy
  | AttaStrategy
  | TradesStrategy
  | MartStrategy
  | SelfGradientStrategy;
export type StrategyName = Strategy['name'];

/** A strategy as a user writes it; the bare name stands for its defaults. */
export type StrategyInput =
  | StrategyName
  | { name: 'standard' }
  | ({ name: 'pgd' } & PgdStrategyOptions)
  | ({ name: 'fgsm-rs' } & FgsmRsStrategyOptions)
  | ({ name: 'n-fgsm' } & NFgsmStrategyOptions)
  | ({ name: 'free' } & FreeStrategyOptions)
  | ({ name: 'gradalign' } & GradalignStrategyOptions)
  | ({ name: 'atta' } & AttaStrategyOptions)
  | ({ name: 'trades' } & TradesStrategyOptions)
  | ({ name: 'mart' } & MartStrategyOptions)
  | ({ name: 'self-gradient' } & SelfGradientStrategyOptions);

/** All strategies, simplest first. */
export const strategyNames: readonly StrategyName[] = [
  'standard',
  'pgd',
  'fgsm-rs',
  'n-fgsm',
  'free',
  'gradalign',
  'atta',
  'trades',
  'mart',
  'self-gradient',
];

/** @internal */
export const strategySchema = named(strategyNames, 'How training images are perturbed.', [
  standardSchema,
  pgdStrategySchema,
  fgsmRsSchema,
  nFgsmSchema,
  freeSchema,
  gradalignSchema,
  attaSchema,
  tradesSchema,
  martSchema,
  selfGradientSchema,
]);

/**
 * Passes through the network (one forward and one backward; a forward alone counts half) that one epoch spends on
 * each example; perturbing the weights repeats each training pass.
 */
export function passesPerExample(strategy: Strategy, perturbsWeights = false): number {
  return attackAndTrainingPasses(strategy) + (perturbsWeights ? trainingPasses(strategy) : 0);
}

/** New images that a step takes: fewer than it trains on when others are carried over. */
export function imagesPerStep(strategy: Strategy, batchSize: number): number {
  return strategy.name === 'self-gradient' ? Math.max(1, Math.floor(batchSize / strategy.relay)) : batchSize;
}

/** Steps in a row that are taken on the same images. */
export function replays(strategy: Strategy): number {
  return strategy.name === 'free' ? strategy.replays : 1;
}

function trainingPasses(strategy: Strategy): number {
  switch (strategy.name) {
    case 'free':
      return strategy.replays;
    case 'gradalign':
      return 3;
    case 'trades':
    case 'mart':
      return 2;
    case 'self-gradient':
      return strategy.relay;
    default:
      return 1;
  }
}

function attackAndTrainingPasses(strategy: Strategy): number {
  switch (strategy.name) {
    case 'standard':
      return standardPasses();
    case 'pgd':
      return pgdPasses(strategy);
    case 'fgsm-rs':
      return fgsmRsPasses();
    case 'n-fgsm':
      return nFgsmPasses();
    case 'free':
      return freePasses(strategy);
    case 'gradalign':
      return gradalignPasses();
    case 'atta':
      return attaPasses(strategy);
    case 'trades':
      return tradesPasses(strategy);
    case 'mart':
      return martPasses(strategy);
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
    case 'atta':
      return { ...strategy, alpha: strategy.alpha ?? threat.eps / 2 };
    case 'trades':
    case 'mart':
      return { ...strategy, alpha: strategy.alpha ?? threat.eps / 4 };
    case 'n-fgsm':
    case 'free':
    case 'gradalign':
    case 'self-gradient':
      return { ...strategy, alpha: strategy.alpha ?? threat.eps };
  }
}
