/** What the attacks leave standing of the first test images, image by image. */
import { runCascade } from '../cascade.mjs';
import { packBits } from './bits.mjs';

/**
 * One entry of a plan's judge: its attacks in turn, each on what those before it left.
 *
 * @returns `clean` and `robust`: one bit an image; `attacks`: what was run; passes, seconds
 */
export async function judge(model, data, attacks, options) {
  const { config, result } = await runCascade(model, data, attacks, { origin: 'plan.judge', ...options });
  const broken = [...result.brokenBy];
  return {
    clean: packBits(broken.map((by) => by !== -2)),
    robust: packBits(broken.map((by) => by === -1)),
    attacks: config.evaluate.attacks,
    passes: result.passes,
    seconds: result.seconds,
  };
}
