/** The registry of attacks: their union, and what the native core is given for each. */
import type { NativeAttackOptions } from '../../native/binding.ts';
import { named } from '../option.ts';
import type { Norm, Threat } from '../threat.ts';
import {
  type ApgdAttack,
  type ApgdOptions,
  type ApgdTAttack,
  type ApgdTOptions,
  apgdCeSchema,
  apgdDlrSchema,
  apgdTSchema,
  nativeApgd,
} from './apgd.ts';
import { type CwL2Attack, type CwL2Options, cwL2, cwL2Schema, nativeCwL2 } from './cwL2.ts';
import { type CwLinfAttack, type CwLinfOptions, cwLinf, cwLinfSchema, nativeCwLinf } from './cwLinf.ts';
import { type FabTAttack, type FabTOptions, fabTSchema, nativeFabT } from './fab.ts';
import { type FgsmAttack, type FgsmOptions, fgsmSchema, nativeFgsm } from './fgsm.ts';
import { nativePgd, type PgdAttack, type PgdOptions, pgd, pgdSchema } from './pgd.ts';
import { nativeRandom, type RandomAttack, type RandomOptions, randomSchema } from './random.ts';
import { nativeSquare, type SquareAttack, type SquareOptions, squareSchema } from './square.ts';

/** One attack with all its options, told apart by `name`. */
export type Attack =
  | RandomAttack
  | FgsmAttack
  | PgdAttack
  | CwLinfAttack
  | ApgdAttack
  | ApgdTAttack
  | FabTAttack
  | CwL2Attack
  | SquareAttack;
export type AttackName = Attack['name'];

/** An attack as a user writes it; the bare name stands for its defaults. */
export type AttackInput =
  | AttackName
  | ({ name: 'random' } & RandomOptions)
  | ({ name: 'fgsm' } & FgsmOptions)
  | ({ name: 'pgd' } & PgdOptions)
  | ({ name: 'cw-linf' } & CwLinfOptions)
  | ({ name: 'apgd-ce' } & ApgdOptions)
  | ({ name: 'apgd-dlr' } & ApgdOptions)
  | ({ name: 'apgd-t' } & ApgdTOptions)
  | ({ name: 'fab-t' } & FabTOptions)
  | ({ name: 'cw-l2' } & CwL2Options)
  | ({ name: 'square' } & SquareOptions);

/** All attacks, cheapest first. */
export const attackNames: readonly AttackName[] = [
  'random',
  'fgsm',
  'pgd',
  'cw-linf',
  'apgd-ce',
  'apgd-dlr',
  'apgd-t',
  'fab-t',
  'cw-l2',
  'square',
];

/** @internal */
export const attackSchema = named(attackNames, 'An attack: its name, or a group of its options.', [
  randomSchema,
  fgsmSchema,
  pgdSchema,
  cwLinfSchema,
  apgdCeSchema,
  apgdDlrSchema,
  apgdTSchema,
  fabTSchema,
  cwL2Schema,
  squareSchema,
]);

/** The attacks of an evaluation that names none: PGD-20, and CW in the form of the norm. */
export function defaultAttacks(norm: Norm): Attack[] {
  return norm === 'linf' ? [pgd(), cwLinf()] : [pgd(), cwL2()];
}

/**
 * The attack as the native core runs it, every default filled in.
 *
 * @param path names the attack in errors, e.g. `evaluate.attacks[0]`
 * @throws SelfgradError `ERR_OPTION` when its radius does not fit the threat model
 */
export function nativeAttack(attack: Attack, threat: Threat, path = 'attack'): NativeAttackOptions {
  switch (attack.name) {
    case 'random':
      return nativeRandom(attack, threat, path);
    case 'fgsm':
      return nativeFgsm(attack, threat, path);
    case 'pgd':
      return nativePgd(attack, threat, path);
    case 'cw-linf':
      return nativeCwLinf(attack, threat, path);
    case 'apgd-ce':
    case 'apgd-dlr':
    case 'apgd-t':
      return nativeApgd(attack, threat, path);
    case 'fab-t':
      return nativeFabT(attack, threat, path);
    case 'cw-l2':
      return nativeCwL2(attack, threat, path);
    case 'square':
      return nativeSquare(attack, threat, path);
  }
}
