/** The models that transfer attacks take their gradients from: given as such, or opened for the time of a run. */
import { type ListedAttack, type ListedAttackInput, nativeAttacks } from './config/attacks/attack.ts';
import { type TransferAttack, type TransferOptions, transferSchema } from './config/attacks/transfer.ts';
import { parse } from './config/option.ts';
import type { Threat } from './config/threat.ts';
import type { Dataset } from './data/dataset.ts';
import { SelfgradError } from './errors.ts';
import type { AttackSource, Warning } from './evaluation.ts';
import { Model } from './model.ts';
import { checkModel } from './modelChecks.ts';
import type { NativeDevice } from './native/binding.ts';
import type { NativeAttackOptions } from './native/measureBinding.ts';
import { openModel } from './openModel.ts';

/** An entry of a list of attacks whose source may be a loaded model. */
export type ChosenAttack = ListedAttack | TransferAttack<Model | string>;

/** The same as a user writes it. */
export type ChosenAttackInput = ListedAttackInput | ({ name: 'transfer' } & TransferOptions<Model | string>);

/** Stands for a loaded model in options that are checked and recorded as plain data. */
const loaded = '(a loaded model)';

/**
 * An attack along the gradients of another model: the attacked one says which images are broken, and need not have
 * gradients at all.
 *
 * @throws SelfgradError `ERR_OPTION`
 * @example
 * using source = await loadModel('runs/other');
 * await evaluate(model, data, { attacks: [transfer({ model: source, attack: 'apgd-ce' })] });
 */
export function transfer({
  model,
  ...options
}: TransferOptions<Model | string>): TransferAttack<Model | string> {
  const plain = { ...options, name: 'transfer', model: model instanceof Model ? loaded : model };
  const checked = parse(transferSchema, plain, 'transfer');
  return model instanceof Model ? { ...checked, model } : checked;
}

/**
 * Takes the loaded models out of a list of attacks, which need not be one yet: each at the place of its entry, null at
 * the others.
 */
export function takeModels<Entry extends ListedAttack | ListedAttackInput>(
  attacks: readonly (
    | Entry
    | TransferAttack<Model | string>
    | ({ name: 'transfer' } & TransferOptions<Model | string>)
  )[],
): { attacks: Entry[]; models: (Model | null)[] } {
  const modelOf = (entry: (typeof attacks)[number]) =>
    typeof entry === 'object' && entry?.name === 'transfer' && entry.model instanceof Model
      ? entry.model
      : null;
  return {
    attacks: attacks.map((entry) =>
      modelOf(entry) === null ? (entry as Entry) : ({ ...(entry as object), model: loaded } as Entry),
    ),
    models: attacks.map(modelOf),
  };
}

/** Refuses a source that cannot stand in for the attacked model. @throws SelfgradError `ERR_OPTION` */
function checkSource(source: Model, attacked: Model, path: string): void {
  const text = ({ options: { channels, height, width, classes } }: Model) =>
    `${channels}×${height}×${width} images and ${classes} classes`;
  if (source.origin === 'function') {
    throw new SelfgradError(
      'ERR_OPTION',
      `Expected a model with gradients for ${path} but received a function.`,
      { fix: 'Give a model of selfgrad, the weights of a PyTorch model, or TorchScript.' },
    );
  }
  if (text(source) === text(attacked)) return;
  throw new SelfgradError(
    'ERR_OPTION',
    `Expected a model for ${text(attacked)} (as the attacked one) for ${path} but received one for ${text(source)}.`,
    { fix: 'Give one that was trained for the same data.' },
  );
}

/** The sources of a list of attacks, for as long as it runs. */
export class AttackSources implements Disposable {
  /** One an entry; null where it has none. */
  readonly models: readonly (Model | null)[];
  readonly #opened: readonly Model[];

  private constructor(models: readonly (Model | null)[], opened: readonly Model[]) {
    this.models = models;
    this.#opened = opened;
  }

  /**
   * @param given what `takeModels` took out
   * @param paths names each entry in errors, e.g. `evaluate.attacks[0]`
   * @throws SelfgradError as `openModel`; `ERR_OPTION` for a source without gradients, or for other images or classes
   */
  static async open(
    attacks: readonly ListedAttack[],
    given: readonly (Model | null)[],
    attacked: Model,
    paths: readonly string[],
  ): Promise<AttackSources> {
    const { channels, height, width } = attacked.options;
    const models: (Model | null)[] = [];
    const opened: Model[] = [];
    try {
      for (const [i, entry] of attacks.entries()) {
        let model = given[i] ?? null;
        if (model === null && entry.name === 'transfer') {
          const inputShape = [channels, height, width] as const;
          model = await openModel(entry.model, { ...entry, inputShape });
          opened.push(model);
        }
        if (model !== null) checkSource(model, attacked, `${paths[i]}.model`);
        models.push(model);
      }
    } catch (error) {
      for (const model of opened) model.dispose();
      throw error;
    }
    return new AttackSources(models, opened);
  }

  /** Moves every source to where the attacked model is. @throws SelfgradError as `Model.to` */
  to(device: NativeDevice): void {
    for (const model of this.models) model?.to(device);
  }

  /** The attacks that the `i`-th entry stands for, with their source. @throws SelfgradError as `nativeAttacks` */
  native(entry: ListedAttack, i: number, threat: Threat, path: string): NativeAttackOptions[] {
    const source = this.models[i]?.native ?? null;
    return nativeAttacks(entry, threat, path).map((attack) => ({ ...attack, source }));
  }

  /** What records say of each: null where an entry has none. */
  get records(): (Omit<AttackSource, 'passes'> | null)[] {
    return this.models.map(
      (model) => model && { architecture: model.architecture, path: model.path, sha256: model.sha256 },
    );
  }

  /** What looking at the attacked model and at each source, where selfgrad did not make them, gives cause to say. */
  async check(attacked: Model, data: Dataset, run: Parameters<typeof checkModel>[2]): Promise<Warning[]> {
    const warnings = await checkModel(attacked, data, run);
    for (const source of new Set(this.models)) {
      if (source === null || source === attacked) continue;
      const own = await checkModel(source, data, run);
      const name = source.path ?? source.architecture;
      warnings.push(...own.map(({ code, message }) => ({ code, message: `Source ${name}: ${message}` })));
    }
    return warnings;
  }

  [Symbol.dispose](): void {
    for (const model of this.#opened) model.dispose();
  }
}
