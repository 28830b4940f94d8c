/** Models behind a step without gradients: forwards through it, backwards past it, and nothing certified. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  apgdCe,
  attack,
  type Dataset,
  type EvaluateOptions,
  evaluate,
  exportOnnx,
  functionModel,
  type Model,
  type Preprocessing,
  pgd,
  preprocessedModel,
  random,
  stability,
  train,
  transfer,
} from '../../src/index.ts';
import { rejection, tinyConfig, tinyData, tinyImages } from './tiny.ts';

const quick: EvaluateOptions = { threads: 1, threat: { eps: 0.15 }, attacks: [pgd({ steps: 7 })] };
let model: Model;
let data: Dataset;
beforeAll(async () => {
  using images = await tinyData(96);
  ({ model } = await train(tinyConfig({ epochs: 3 }), { data: images }).result);
  data = await tinyData(60, 'test');
});
afterAll(() => {
  model.dispose();
  data.dispose();
});

/** To four levels of grey: a step whose derivative is zero wherever there is one. */
const levels: Preprocessing = (images) => images.map((pixel) => Math.round(3 * pixel) / 3);

describe('preprocessedModel', () => {
  it('is the model itself behind a function that changes nothing', async () => {
    using same = preprocessedModel(model, async (images) => images);
    const attacks = [pgd({ steps: 7 }), apgdCe({ steps: 10 })];
    const bare = await evaluate(model, data, { ...quick, attacks });
    const behind = await evaluate(same, data, { ...quick, attacks });
    expect(behind.images).toEqual(bare.images);
    expect(behind.attacks.map(({ passes }) => passes)).toEqual(bare.attacks.map(({ passes }) => passes));
    expect(behind.model).toMatchObject({ architecture: 'preprocessed', path: null, sha256: null });
    expect(behind.warnings).toEqual(bare.warnings);
    expect(same.classes).toEqual(model.classes);
  });

  it('answers for what the function makes of the images, and is broken where gradients pass it', async () => {
    using defended = preprocessedModel(model, levels);
    const { images: bytes, labels } = tinyImages(30, 2);
    const images = Float32Array.from(bytes, (value) => value / 255);
    const through = (pixels: Float32Array) =>
      model.predict(levels(pixels, [30, 1, 8, 8]) as Float32Array, { threads: 1 });
    expect((await defended.predict(images, { threads: 1 })).logits).toEqual((await through(images)).logits);
    const { adversarial, success } = await attack(defended, images, labels, pgd({ steps: 20 }), {
      threat: { eps: 0.25 },
      threads: 1,
    });
    const { predictions } = await through(adversarial);
    expect([...success]).toEqual(predictions.map(({ label }, i) => Number(label !== labels[i])));
    const noise = await attack(defended, images, labels, random(), { threat: { eps: 0.25 }, threads: 1 });
    const broken = (flags: Uint8Array) => flags.reduce((sum, flag) => sum + flag, 0);
    expect(broken(success)).toBeGreaterThan(broken(noise.success));
  });

  it('does not depend on the batch', async () => {
    using defended = preprocessedModel(model, levels);
    const whole = await evaluate(defended, data, { ...quick, batchSize: 60 });
    const pieces = await evaluate(defended, data, { ...quick, batchSize: 7 });
    expect(pieces.images.brokenBy).toEqual(whole.images.brokenBy);
  });

  it('lends its gradients to others and takes those of the model behind it', async () => {
    using defended = preprocessedModel(model, levels);
    using twice = preprocessedModel(defended, (images) => images);
    const climb = pgd({ steps: 7, randomStart: false });
    const attacks = [model, defended, twice].map((source) => transfer({ model: source, attack: climb }));
    const { attacks: outcomes } = await evaluate(twice, data, { ...quick, attacks });
    expect(outcomes.map(({ source }) => source!.architecture)).toEqual([
      'preact-resnet',
      'preprocessed',
      'preprocessed',
    ]);
    expect(outcomes[1]!.broken).toBeGreaterThan(0);
    expect(outcomes[2]!.broken).toBe(outcomes[1]!.broken);
    const back = await evaluate(model, data, { ...quick, attacks: [transfer({ model: defended })] });
    expect(back.attacks[0]!.broken).toBeGreaterThan(0);
  });

  it('outlives the model that it was given', async () => {
    using images = await tinyData(96);
    const { model: short } = await train(tinyConfig({ epochs: 1 }), { data: images }).result;
    using defended = preprocessedModel(short, levels);
    short.dispose();
    expect((await defended.predict(tinyImages(3).images, { threads: 1 })).predictions).toHaveLength(3);
  });

  it('has no certified bound and is not exported', async () => {
    using defended = preprocessedModel(model, levels);
    const analysis = await stability(defended, data, { threads: 1, count: 6, iterations: 2 });
    expect(analysis).toMatchObject({ bound: null, options: { certify: null } });
    expect(analysis.warnings).toContainEqual({
      code: 'W_NO_BOUND',
      message: 'The layers of a preprocessed model are not all known: no certified bound.',
    });
    expect(await rejection(exportOnnx(defended, 'none.onnx'))).toMatchObject({ code: 'ERR_OPTION' });
    expect(() => defended.save('none.safetensors')).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
  });

  it('warns of a function that looks at the neighbours in the batch', async () => {
    using spoilt = preprocessedModel(model, (images) => {
      const mean = images.reduce((sum, pixel) => sum + pixel, 0) / images.length;
      return images.map((pixel) => Math.max(0, Math.min(1, pixel - mean + 0.5)));
    });
    const { warnings } = await evaluate(spoilt, data, {
      ...quick,
      attacks: [random({ restarts: 1 })],
      batchSize: 60,
    });
    expect(warnings.map(({ code }) => code)).toContain('W_TRAIN_MODE');
  });

  it('stops while the function thinks', async () => {
    const stop = new AbortController();
    using slow = preprocessedModel(model, () => {
      stop.abort(new Error('enough'));
      return new Promise<Float32Array>(() => {});
    });
    expect(await rejection(evaluate(slow, data, { ...quick, signal: stop.signal }))).toMatchObject({
      message: 'enough',
    });
  });
});

describe('misuse of preprocessedModel', () => {
  const fails = async (preprocess: unknown) => {
    using defended = preprocessedModel(model, preprocess as Preprocessing);
    const error = await rejection(defended.predict(tinyImages(2).images, { threads: 1 }));
    return (error as Error).message;
  };

  it.each<[string, unknown, string]>([
    [
      'an answer of another length',
      () => new Float32Array(3),
      'Expected a Float32Array of 128 pixels (2×1×8×8) from the preprocessing but received a Float32Array of 3.',
    ],
    [
      'an answer of another type',
      () => [1, 2],
      'Expected a Float32Array of 128 pixels (2×1×8×8) from the preprocessing but received [1,2] (array).',
    ],
    [
      'an error',
      () => {
        throw new Error('no codec');
      },
      'no codec',
    ],
    [
      'something else that is thrown',
      () => Promise.reject('no codec'),
      "Expected 128 pixels (2×1×8×8) from the preprocessing but it threw 'no codec' (string).",
    ],
  ])('%s', async (_, preprocess, message) => {
    expect(await fails(preprocess)).toBe(message);
  });

  it('a model that is only a function', () => {
    using f = functionModel(() => new Float32Array(), { classes: 3, inputShape: [1, 8, 8] });
    expect(() => preprocessedModel(f, levels)).toThrow(
      'Expected a model with gradients for preprocessedModel() but received a function. Preprocess the images within that function.',
    );
  });
});
