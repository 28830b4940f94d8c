/** What the attacks leave standing of the first test images, image by image. */
import { nativeAttacks } from '../../dist/config/attacks/attack.js';
import { resolveConfig } from '../../dist/config/resolve.js';
import { awaitRun } from '../../dist/native/awaitRun.js';
import { loadBinding } from '../../dist/native/load.js';
import { packBits } from './bits.mjs';

/**
 * One entry of a plan's judge: its attacks in turn, each on what those before it left.
 *
 * @returns `clean` and `robust`: one bit an image; `attacks`: what was run; passes, seconds
 */
export async function judge(model, data, attacks, { threat, count, threads, signal }) {
  const { config } = resolveConfig([
    { origin: 'plan.judge', values: { threat, evaluate: { attacks, epsCurve: null } } },
  ]);
  const native = config.evaluate.attacks.flatMap((attack) => nativeAttacks(attack, config.threat));
  const { batchSize } = config.evaluate;
  const result = await awaitRun(
    (observe) =>
      loadBinding().evaluate(
        {
          model: model.native,
          data: data.native,
          attacks: native,
          cascade: native.map((_, i) => i > 0),
          count,
          batchSize,
          threads,
          seed: 0,
          examples: 0,
        },
        observe,
      ),
    { signal, onEvent: undefined },
  );
  const broken = [...result.brokenBy];
  return {
    clean: packBits(broken.map((by) => by !== -2)),
    robust: packBits(broken.map((by) => by === -1)),
    attacks: config.evaluate.attacks,
    passes: result.passes,
    seconds: result.seconds,
  };
}
