/** Attacks given images and returns the adversarial ones. */
import { checkClasses } from './config/attacks/apgd.ts';
import type { ListedAttack } from './config/attacks/attack.ts';
import { type Device, resolveThreads } from './config/device.ts';
import { parse } from './config/option.ts';
import { type Threat, type ThreatInput, threatSchema } from './config/threat.ts';
import type { Passes } from './evaluation.ts';
import { checkGradients } from './functionModel.ts';
import { checkPixels, type Model } from './model.ts';
import { awaitRun } from './native/awaitRun.ts';
import { loadBinding } from './native/load.ts';
import { AttackSources, type ChosenAttack, takeModels } from './transfer.ts';

export interface AttackRunOptions {
  /** Defaults to Linf 8/255. */
  threat?: Threat | ThreatInput;
  /** Key of the random starts. Defaults to 0. */
  seed?: number;
  /** Defaults to `auto`. */
  threads?: number | 'auto';
  /** Where it is computed; the model moves there. Defaults to `auto`: a GPU where one can be used. */
  device?: Device;
  /** Defaults to 200. */
  batchSize?: number;
  signal?: AbortSignal;
}

export interface AttackRunResult {
  /** NCHW in [0, 1]; the clean image where the attack found none, or where it was misclassified already. */
  adversarial: Float32Array;
  /** 1 where `adversarial` is misclassified. */
  success: Uint8Array;
  /** The network's class of each `adversarial`. */
  predictions: Int32Array;
  /** Of the attacked model. */
  passes: Passes;
  /** transfer: of the model that gave the gradients. */
  sourcePasses: Passes;
}

/**
 * Runs one attack: `attack(model, images, labels, pgd({ steps: 20 }), { threat: { eps: '8/255' } })`. Those of
 * `autoattack()` run one after another, each on what the ones before left standing.
 *
 * @param images N·C·H·W pixels in [0, 1], NCHW
 * @param labels the true class of each image
 * @throws SelfgradError `ERR_PIXELS`, `ERR_LABEL`, `ERR_OPTION`, `ERR_DEVICE`
 */
export async function attack(
  model: Model,
  images: Float32Array,
  labels: Int32Array | readonly number[],
  options: ChosenAttack,
  run: AttackRunOptions = {},
): Promise<AttackRunResult> {
  checkPixels(images);
  const given = takeModels<ListedAttack>([options]);
  const entry = given.attacks[0]!;
  checkGradients(model, [entry]);
  const threat = parse(threatSchema, run.threat ?? {}, 'threat');
  using sources = await AttackSources.open([entry], given.models, model, ['attack']);
  const attacks = sources.native(entry, 0, threat, 'attack');
  checkClasses(attacks, model.options.classes);
  sources.to(model.to(run.device ?? 'auto'));
  const request = {
    model: model.native,
    images,
    labels: Int32Array.from(labels),
    attacks,
    seed: run.seed ?? 0,
    threads: resolveThreads(run.threads ?? 'auto'),
    batchSize: run.batchSize ?? 200,
  };
  return await awaitRun(() => loadBinding().attack(request), { signal: run.signal });
}
