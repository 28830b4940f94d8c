/** Attacks in turn on the first images of a set, each on what those before it left: what every script here counts by. */
import { nativeAttacks } from '../dist/config/attacks/attack.js';
import { resolveConfig } from '../dist/config/resolve.js';
import { awaitRun } from '../dist/native/awaitRun.js';
import { loadBinding } from '../dist/native/load.js';

/**
 * @param origin names the attacks in errors
 * @returns `config` and `native`: the attacks as written and as run; `result`: what the addon found
 */
export async function runCascade(model, data, attacks, { origin, threat, count, threads, signal }) {
  const { config } = resolveConfig([{ origin, values: { threat, evaluate: { attacks, epsCurve: null } } }]);
  const native = config.evaluate.attacks.flatMap((attack) => nativeAttacks(attack, config.threat));
  const { batchSize } = config.evaluate;
  const result = await awaitRun(
    (observe) =>
      loadBinding().evaluate(
        {
          model: model.native,
          data: data.native,
          first: 0,
          attacks: native,
          cascade: native.map((_, i) => i > 0),
          count,
          batchSize,
          threads,
          seed: 0,
          examples: 0,
          images: '',
          imagesMetadata: {},
        },
        observe,
      ),
    { signal, onEvent: undefined },
  );
  return { config, native, result };
}
