/** The registry of attacks: their unions, and what the native core is given for each. */
import type { NativeAttackOptions } from '../../native/measureBinding.ts';
import { named } from '../option.ts';
import { type Norm, refuseL1, type Threat } from '../threat.ts';
import {
  type ApgdCeAttack,
  type ApgdCeOptions,
  type ApgdDlrAttack,
  type ApgdOptions,
  type ApgdTAttack,
  type ApgdTOptions,
  apgdCe,
  apgdCeSchema,
  apgdDlrSchema,
  apgdTSchema,
  nativeApgd,
} from './apgd.ts';
import { type AutoAttack, type AutoAttackOptions, autoAttackParts, autoAttackSchema } from './autoattack.ts';
import { type CwL2Attack, type CwL2Options, cwL2, cwL2Schema, nativeCwL2 } from './cwL2.ts';
import { type CwLinfAttack, type CwLinfOptions, cwLinf, cwLinfSchema, nativeCwLinf } from './cwLinf.ts';
import { type DeepFoolAttack, type DeepFoolOptions, deepFoolSchema, nativeDeepFool } from './deepfool.ts';
import {
  type FabAttack,
  type FabOptions,
  type FabTAttack,
  type FabTOptions,
  fabSchema,
  fabTSchema,
  nativeFab,
} from './fab.ts';
import { type FgsmAttack, type FgsmOptions, fgsmSchema, nativeFgsm } from './fgsm.ts';
import { type MiFgsmAttack, type MiFgsmOptions, miFgsmSchema, nativeMiFgsm } from './miFgsm.ts';
import { nativePgd, type PgdAttack, type PgdOptions, pgd, pgdSchema } from './pgd.ts';
import { nativeRandom, type RandomAttack, type RandomOptions, randomSchema } from './random.ts';
import { nativeSquare, type SquareAttack, type SquareOptions, squareSchema } from './square.ts';
import { type TransferAttack, type TransferOptions, transferSchema } from './transfer.ts';

/** One attack with all its options, told apart by `name`. */
export type Attack =
  | RandomAttack
  | FgsmAttack
  | PgdAttack
  | MiFgsmAttack
  | CwLinfAttack
  | ApgdCeAttack
  | ApgdDlrAttack
  | ApgdTAttack
  | FabAttack
  | FabTAttack
  | DeepFoolAttack
  | CwL2Attack
  | SquareAttack;
export type AttackName = Attack['name'];

/** An attack as a user writes it; the bare name stands for its defaults. */
export type AttackInput =
  | AttackName
  | ({ name: 'random' } & RandomOptions)
  | ({ name: 'fgsm' } & FgsmOptions)
  | ({ name: 'pgd' } & PgdOptions)
  | ({ name: 'mi-fgsm' } & MiFgsmOptions)
  | ({ name: 'cw-linf' } & CwLinfOptions)
  | ({ name: 'apgd-ce' } & ApgdCeOptions)
  | ({ name: 'apgd-dlr' } & ApgdOptions)
  | ({ name: 'apgd-t' } & ApgdTOptions)
  | ({ name: 'fab' } & FabOptions)
  | ({ name: 'fab-t' } & FabTOptions)
  | ({ name: 'deepfool' } & DeepFoolOptions)
  | ({ name: 'cw-l2' } & CwL2Options)
  | ({ name: 'square' } & SquareOptions);

/** All attacks, cheapest first. */
export const attackNames: readonly AttackName[] = [
  'random',
  'fgsm',
  'pgd',
  'mi-fgsm',
  'cw-linf',
  'apgd-ce',
  'apgd-dlr',
  'apgd-t',
  'fab',
  'fab-t',
  'deepfool',
  'cw-l2',
  'square',
];

const schemas = [
  randomSchema,
  fgsmSchema,
  pgdSchema,
  miFgsmSchema,
  cwLinfSchema,
  apgdCeSchema,
  apgdDlrSchema,
  apgdTSchema,
  fabSchema,
  fabTSchema,
  deepFoolSchema,
  cwL2Schema,
  squareSchema,
] as const;

/** @internal */
export const attackSchema = named(attackNames, 'An attack: its name, or a group of its options.', schemas);

/** An entry of a list of attacks; AutoAttack stands for several, `transfer` for one with a source of gradients. */
export type ListedAttack = Attack | AutoAttack | TransferAttack;

/** An entry of a list of attacks as a user writes it. */
export type ListedAttackInput =
  | AttackInput
  | 'autoattack'
  | ({ name: 'autoattack' } & AutoAttackOptions)
  | ({ name: 'transfer' } & TransferOptions);

/** @internal */
export const listedAttackSchema = named(
  [...attackNames, 'autoattack', 'transfer'],
  'An attack, AutoAttack or transfer: its name, or a group of its options.',
  [...schemas, autoAttackSchema, transferSchema],
);

/** The attacks that an entry stands for, in the order in which they run. */
export function attacksOf(entry: ListedAttack): (Attack | TransferAttack)[] {
  return entry.name === 'autoattack' ? autoAttackParts(entry) : [entry];
}

/** The attacks of an evaluation that names none: PGD-20, and CW in the form of the norm; in L1 APGD. */
export function defaultAttacks(norm: Norm): Attack[] {
  if (norm === 'l1') return [apgdCe()];
  return norm === 'linf' ? [pgd(), cwLinf()] : [pgd(), cwL2()];
}

/**
 * The attack as the native core runs it, every default filled in; `transfer` still without its source.
 *
 * @param path names the attack in errors, e.g. `evaluate.attacks[0]`
 * @throws SelfgradError `ERR_OPTION` when its radius does not fit the threat model
 */
export function nativeAttack(
  attack: Attack | TransferAttack,
  threat: Threat,
  path = 'attack',
): NativeAttackOptions {
  switch (attack.name) {
    case 'random':
      return nativeRandom(attack, threat, path);
    case 'fgsm':
      return nativeFgsm(attack, threat, path);
    case 'pgd':
      return nativePgd(attack, threat, path);
    case 'mi-fgsm':
      return nativeMiFgsm(attack, threat, path);
    case 'cw-linf':
      return nativeCwLinf(attack, threat, path);
    case 'apgd-ce':
    case 'apgd-dlr':
    case 'apgd-t':
      return nativeApgd(attack, threat, path);
    case 'fab':
    case 'fab-t':
      return nativeFab(attack, threat, path);
    case 'deepfool':
      return nativeDeepFool(attack, threat, path);
    case 'cw-l2':
      return nativeCwL2(attack, threat, path);
    case 'square':
      return nativeSquare(attack, threat, path);
    case 'transfer': {
      const inner = nativeAttack(attack.attack, threat, `${path}.attack`);
      return { ...inner, name: attack.name, inner: attack.attack.name };
    }
  }
}

/**
 * The attacks that an entry stands for as the native core runs them; one after another they are a cascade.
 *
 * @throws SelfgradError as `nativeAttack`
 */
export function nativeAttacks(entry: ListedAttack, threat: Threat, path = 'attack'): NativeAttackOptions[] {
  // Of its attacks only APGD works in L1, of which `rand` consists.
  if (entry.name === 'autoattack' && entry.version !== 'rand') {
    refuseL1(entry.norm ?? threat.norm, `autoattack ${entry.version} (${path})`);
  }
  return attacksOf(entry).map((attack) => nativeAttack(attack, threat, path));
}
