/**
 * Self-gradient training: the attack is carried on by the gradients that training sees anyway. The input tap
 * remembers where an example's last visit ended, and with a relay each training backward is also the next step
 * of the attack.
 */
import { z } from 'zod';
import { type Fraction, fraction } from '../fraction.ts';
import { choice, flag, integer, list, number, parse, section, text } from '../option.ts';
import { type AttackMode, attackMode } from './attackMode.ts';

/** A place where the activations are moved along their own gradient in training. */
export interface FeatureTap {
  /** A place of `model.taps`: `stem`, `stage1`, … */
  place: string;
  /** Length of the move as a share of the activation's L2 norm. */
  rho: number;
}

/** What the input tap remembers: nothing, a perturbation of each image, of each class, or one of all. */
export type TapMemory = 'none' | 'example' | 'class' | 'universal';

export interface SelfGradientStrategy {
  name: 'self-gradient';
  /** Step size in pixel units; null stands for eps. */
  alpha: number | null;
  /** Attack passes before an example's first training pass. */
  steps: number;
  attackMode: AttackMode;
  memory: TapMemory;
  /** Training steps that an example stays in flight; 1 for no relay. */
  relay: number;
  /** Weight of the loss of examples in the first of their training steps. */
  freshWeight: number;
  /** Share of eps of the uniform noise at an example's first visit, 0 … 1. */
  initialNoise: number;
  /** Share of eps of the uniform noise added to a remembered start. */
  noise: number;
  /** Momentum of the tapped gradients over the passes of one visit. */
  momentum: number;
  /** Weight of the mean squared distance between an example's logits and those of its pass before. */
  consistency: number;
  /** Share of the carried examples that get an attack pass of their own, those with the stalest gradients. */
  refresh: number;
  /** Let the agreement of successive gradients set the step size. */
  adaptiveStep: boolean;
  /** Watch the agreement of successive gradients for catastrophic overfitting, and step in. */
  alarm: boolean;
  features: FeatureTap[];
}

export interface SelfGradientStrategyOptions {
  /** Step size, pixels in [0, 1]; above 0. Defaults to null, which stands for eps. */
  alpha?: Fraction | null;
  /** Attack passes before an example's first training pass, 0 or more. Defaults to 0. */
  steps?: number;
  /** Mode of batch normalisation in the attack passes. Defaults to `train`. */
  attackMode?: AttackMode;
  /** What the input tap remembers between visits. Defaults to `example`. */
  memory?: TapMemory;
  /** Training steps that an example stays in flight, 1 … 16; 1 is no relay. Defaults to 2. */
  relay?: number;
  /** Weight of the loss in the first of several training steps, in (0, 1]. Defaults to 0.3. */
  freshWeight?: number;
  /** Uniform noise at an example's first visit, as a share of eps in [0, 1]. Defaults to 1. */
  initialNoise?: number;
  /** Uniform noise added to a remembered start, as a share of eps in [0, 2]. Defaults to 0. */
  noise?: number;
  /** Momentum of the tapped gradients, 0 … 1. Defaults to 0. */
  momentum?: number;
  /** Weight of the consistency of logits between passes, 0 or more. Defaults to 0. */
  consistency?: number;
  /** Share of carried examples with an attack pass of their own, 0 … 1. Defaults to 0. */
  refresh?: number;
  /** Step size from the agreement of gradients. Defaults to false. */
  adaptiveStep?: boolean;
  /** Alarm and remedy for catastrophic overfitting. Defaults to false. */
  alarm?: boolean;
  /** Feature perturbations; their places must be in `model.taps`, and `steps` at least 1. Defaults to none. */
  features?: FeatureTap[];
}

const featureTap = section('A place where activations are moved along their gradient.', {
  place: text({ description: 'A place of model.taps.', expected: 'the name of a place' }),
  rho: number({ description: "Length as a share of the activation's norm.", gt: 0, lte: 1 }),
});

/** @internal */
export const selfGradientSchema = section('Perturbations carried on by the tapped gradients of training.', {
  name: z.literal('self-gradient'),
  alpha: fraction({ description: 'Step size of the attack; null stands for eps.', gt: 0 })
    .nullable()
    .prefault(null),
  steps: integer({ description: "Attack passes before an example's first training pass.", gte: 0 }).prefault(
    0,
  ),
  attackMode: attackMode('train'),
  memory: choice(['none', 'example', 'class', 'universal'], {
    description: 'What the input tap remembers between visits.',
  }).prefault('example'),
  relay: integer({
    description: 'Training steps that an example stays in flight; 1 for no relay.',
    gte: 1,
    lte: 16,
  }).prefault(2),
  freshWeight: number({
    description: 'Weight of the loss in the first of several training steps.',
    gt: 0,
    lte: 1,
  }).prefault(0.3),
  initialNoise: number({
    description: "Uniform noise at an example's first visit, as a share of eps.",
    gte: 0,
    lte: 1,
  }).prefault(1),
  noise: number({
    description: 'Uniform noise added to a remembered start, as a share of eps.',
    gte: 0,
    lte: 2,
  }).prefault(0),
  momentum: number({ description: 'Momentum of the tapped gradients.', gte: 0, lt: 1 }).prefault(0),
  consistency: number({
    description: 'Weight of the squared distance to the logits of the pass before.',
    gte: 0,
  }).prefault(0),
  refresh: number({
    description: 'Share of the carried examples that get an attack pass of their own.',
    gte: 0,
    lte: 1,
  }).prefault(0),
  adaptiveStep: flag({ description: 'Step size from the agreement of successive gradients.' }).prefault(
    false,
  ),
  alarm: flag({ description: 'Alarm and remedy for catastrophic overfitting.' }).prefault(false),
  features: list(featureTap, {
    description: 'Places where activations are moved along their gradient.',
    expected: 'a list of { place, rho }',
  }).prefault([]),
}) satisfies z.ZodType<SelfGradientStrategy>;

/**
 * Self-gradient training: `steps + relay + refresh (relay - 1)` forward and backward passes per
 * example and epoch, but for those still in flight at the end of a run.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function selfGradient(options: SelfGradientStrategyOptions = {}): SelfGradientStrategy {
  return parse(selfGradientSchema, { ...options, name: 'self-gradient' }, 'selfGradient');
}

/** Forward+backward passes per example and epoch. */
export function selfGradientPasses({ steps, relay, refresh }: SelfGradientStrategy): number {
  return steps + relay + refresh * (relay - 1);
}
