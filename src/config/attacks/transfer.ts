/** Transfer (https://arxiv.org/abs/1605.07277): an attack on one model along the gradients of another, its source. */
import { z } from 'zod';
import { channelValues } from '../foreignModel.ts';
import { choice, named, section, text } from '../option.ts';
import {
  type ApgdCeAttack,
  type ApgdCeOptions,
  type ApgdDlrAttack,
  type ApgdOptions,
  type ApgdTAttack,
  type ApgdTOptions,
  apgdCeSchema,
  apgdDlrSchema,
  apgdTSchema,
} from './apgd.ts';
import { type CwLinfAttack, type CwLinfOptions, cwLinfSchema } from './cwLinf.ts';
import { type FgsmAttack, type FgsmOptions, fgsmSchema } from './fgsm.ts';
import { type MiFgsmAttack, type MiFgsmOptions, miFgsmSchema } from './miFgsm.ts';
import { type PgdAttack, type PgdOptions, pgdSchema } from './pgd.ts';

/** Attacks that ask a network for logits and gradients of a loss, and for nothing else. */
export type GradientAttack =
  | FgsmAttack
  | PgdAttack
  | MiFgsmAttack
  | CwLinfAttack
  | ApgdCeAttack
  | ApgdDlrAttack
  | ApgdTAttack;

/** The same as a user writes it; the bare name stands for its defaults. */
export type GradientAttackInput =
  | GradientAttack['name']
  | ({ name: 'fgsm' } & FgsmOptions)
  | ({ name: 'pgd' } & PgdOptions)
  | ({ name: 'mi-fgsm' } & MiFgsmOptions)
  | ({ name: 'cw-linf' } & CwLinfOptions)
  | ({ name: 'apgd-ce' } & ApgdCeOptions)
  | ({ name: 'apgd-dlr' } & ApgdOptions)
  | ({ name: 'apgd-t' } & ApgdTOptions);

/** What `loadModel` or `loadTorchScript` must know of a source that selfgrad did not make. */
interface SourceFile {
  /** The file is a `state_dict` of this architecture; null for a run or file of selfgrad, or TorchScript (`.pt`). */
  architecture: string | null;
  activation: 'relu' | 'silu';
  /** What it expects to be taken off and divided by, per channel; null: as the file says, else nothing. */
  mean: number[] | null;
  std: number[] | null;
}

/** `Source` is a path, or in the API a loaded model. */
export interface TransferAttack<Source = string> extends SourceFile {
  name: 'transfer';
  model: Source;
  attack: GradientAttack;
}

export interface TransferOptions<Source = string> {
  /**
   * The source, whose gradients are followed: the path of a run directory, a safetensors file or a TorchScript file
   * (`.pt`, a program that is run: only one that you trust); in the API also a loaded model.
   */
  model: Source;
  /** `fgsm`, `pgd`, `mi-fgsm`, `cw-linf`, `apgd-ce`, `apgd-dlr` or `apgd-t`, with its options. Defaults to `pgd`. */
  attack?: GradientAttackInput;
  /** The file holds a PyTorch `state_dict` of this architecture, see `loadModel`. Defaults to null: it does not. */
  architecture?: string | null;
  /** Of a `state_dict`. Defaults to relu. */
  activation?: 'relu' | 'silu';
  /** What a `state_dict` or a TorchScript file expects, see `loadTorchScript`. Defaults to null. */
  mean?: number[] | null;
  std?: number[] | null;
}

const names = ['fgsm', 'pgd', 'mi-fgsm', 'cw-linf', 'apgd-ce', 'apgd-dlr', 'apgd-t'] as const;

/** @internal */
export const transferSchema = section('An attack along the gradients of another model.', {
  name: z.literal('transfer'),
  model: text({
    description:
      'The model that gives the gradients: run directory, safetensors file, or TorchScript file (.pt: a program, so only one that you trust).',
    expected: 'the path of a model',
  }),
  attack: named(names, 'The attack: its name, or a group of its options.', [
    fgsmSchema,
    pgdSchema,
    miFgsmSchema,
    cwLinfSchema,
    apgdCeSchema,
    apgdDlrSchema,
    apgdTSchema,
  ]).prefault('pgd'),
  architecture: text({
    description: 'The file holds a PyTorch state_dict of this architecture.',
    expected: 'preact-resnet-18, wide-resnet-28-10, wide-resnet-34-10 or the like',
  })
    .nullable()
    .prefault(null),
  activation: choice(['relu', 'silu'], { description: 'Of a state_dict.' }).prefault('relu'),
  mean: channelValues('Mean that a state_dict or a TorchScript file expects to be taken off'),
  std: channelValues('Deviation that it expects to be divided by'),
}) satisfies z.ZodType<TransferAttack>;
