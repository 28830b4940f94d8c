/** Which class an attack is to make the network say, where it has a targeted version. */

import { z } from 'zod';
import { SelfgradError } from '../../errors.ts';
import type { NativeAttackOptions } from '../../native/measureBinding.ts';
import { didYouMean, sentence } from '../option.ts';

/** A class, the least likely wrong one of each clean image, or a wrong one of each image drawn at random. */
export type AttackTarget = number | 'least-likely' | 'random';

/** What attacks with a targeted version share. */
export interface Targeted {
  /** Null: untargeted. */
  target: AttackTarget | null;
}

/** The same as an option. */
export interface TargetOptions {
  /**
   * Success is then that the network says the target: the number of a class, `least-likely` (of the wrong classes of the
   * clean image) or `random` (a wrong class of each image, drawn once from the seed). Images of the class itself are not
   * attacked and count as withstanding. Defaults to null: untargeted, any wrong class will do.
   */
  target?: AttackTarget | null;
}

const words = ['least-likely', 'random'] as const;

const expected = 'the number of a class, least-likely or random';
const refusal = ({ input }: { input?: unknown }) =>
  sentence(
    expected,
    '{path}',
    input,
    typeof input === 'number' ? 'Classes are numbered from 0.' : didYouMean(input, words),
  );

/** @internal */
export const attackTarget = z
  .union([z.number(), z.enum(words)], { error: refusal })
  .refine((target) => typeof target === 'string' || (Number.isInteger(target) && target >= 0), {
    error: refusal,
  })
  .meta({ description: 'Class that the network is to say; null stands for any wrong one.', expected })
  .nullable()
  .prefault(null);

/** The target as the native core takes it. */
export function nativeTarget({ target }: Targeted): Pick<NativeAttackOptions, 'target' | 'targetClass'> {
  if (target === null) return { target: 'any', targetClass: 0 };
  return typeof target === 'number' ? { target: 'class', targetClass: target } : { target, targetClass: 0 };
}

/** The target as records have it: a class, or the word; null for an untargeted attack. */
export function targetOf({
  target,
  targetClass,
}: Pick<NativeAttackOptions, 'target' | 'targetClass'>): AttackTarget | null {
  if (target === 'any') return null;
  return target === 'class' ? targetClass : target;
}

/**
 * Refuses an attack that aims at a class that the network does not have.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function checkTarget(attack: NativeAttackOptions, classes: number): void {
  if (attack.target !== 'class' || attack.targetClass < classes) return;
  throw new SelfgradError(
    'ERR_OPTION',
    sentence(`a class in 0 … ${classes - 1}`, `the target of ${attack.name}`, attack.targetClass),
    { fix: `The network has ${classes} classes, numbered from 0.` },
  );
}
