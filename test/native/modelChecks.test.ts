/** What is wrong with a model shows before its evaluation: models that are functions, each wrong in one way. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Dataset, evaluate, functionModel, type ModelFunction, openArrays } from '../../src/index.ts';
import { checkModel } from '../../src/modelChecks.ts';

const count = 120;
const pixels = 3 * 4;
let data: Dataset;
beforeAll(async () => {
  // Class c is the brightest channel, by 8 grey levels.
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const images = Uint8Array.from({ length: count * pixels }, (_, at) => {
    const [image, channel] = [Math.floor(at / pixels), Math.floor((at % pixels) / 4)];
    return 60 + ((image * 37) % 101) + (channel === labels[image] ? 8 : 0);
  });
  data = await Dataset.from(
    await openArrays({ images, labels, shape: [3, 2, 2], classes: 3, split: 'test', name: 'colours' }),
  );
});
afterAll(() => data.dispose());

/** The sums of the channels in the given order, after `see` looked at each pixel. */
const sums =
  (see: (pixel: number) => number = (pixel) => pixel, order: readonly number[] = [0, 1, 2]): ModelFunction =>
  (images, [n]) =>
    Float32Array.from({ length: n * 3 }, (_, at) => {
      const start = Math.floor(at / 3) * pixels + order[at % 3]! * 4;
      return images.subarray(start, start + 4).reduce((sum, pixel) => sum + see(pixel), 0);
    });

function softmax(logits: Float32Array): Float32Array {
  return logits.map((_, at) => {
    const row = logits.subarray(at - (at % 3), at - (at % 3) + 3);
    const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
    return Math.exp(logits[at]!) / total;
  });
}

let calls = 0;
const models: Record<string, ModelFunction> = {
  none: sums(),
  W_SOFTMAX: async (images, shape) => softmax(await sums()(images, shape)),
  // As dropout: another answer each time.
  'W_TRAIN_MODE again': async (images, shape) => {
    calls += 1;
    const logits = await sums()(images, shape);
    return logits.map((value) => value * (1 + 0.01 * calls));
  },
  // As BatchNorm on batch statistics.
  'W_TRAIN_MODE neighbours': async (images, shape) => {
    const mean = images.reduce((sum, value) => sum + value, 0) / images.length;
    return (await sums()(images, shape)).map((value) => value - mean);
  },
  // A network for bytes sees only its first thresholds in [0, 1].
  'W_NORMALISATION bytes': sums((pixel) => Math.round(pixel / 4)),
  // One that expects values around zero, and saturates.
  'W_NORMALISATION centred': sums((pixel) => Math.max(-1, Math.min(0.15, pixel))),
  W_CHANNEL_ORDER: sums(undefined, [2, 1, 0]),
};

/** What the checks say of a model. */
async function warningsOf(logitsOf: ModelFunction) {
  using model = functionModel(logitsOf, { classes: 3, inputShape: [3, 2, 2] });
  return await checkModel(model, data, { count, threads: 1, signal: undefined });
}

it.each(Object.entries(models))('%s', async (name, logitsOf) => {
  const codes = (await warningsOf(logitsOf)).map(({ code }) => code);
  expect(codes).toEqual(name === 'none' ? [] : [name.split(' ')[0]]);
});

it('says what to declare instead', async () => {
  const [warning] = await warningsOf(models['W_NORMALISATION bytes']!);
  expect(warning!.message).toBe(
    'Clean accuracy of 120 images is 0 %, but 100 % with mean [0, 0, 0] and std [0.003922, 0.003922, 0.003922]: declare these instead.',
  );
});

it('an evaluation carries its warnings', async () => {
  using model = functionModel(models.W_SOFTMAX!, { classes: 3, inputShape: [3, 2, 2] });
  const { warnings } = await evaluate(model, data, { threads: 1, count: 20, attacks: ['square'] });
  expect(warnings).toContainEqual({
    code: 'W_SOFTMAX',
    message: '20 of 20 outputs look like probabilities: remove the softmax, attacks need logits.',
  });
});
