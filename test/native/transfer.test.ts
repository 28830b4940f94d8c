/** Attacks along the gradients of another model: who decides, who is asked how often, what records say, and misuse. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  apgdCe,
  attack,
  type Dataset,
  type EvaluateOptions,
  evaluate,
  functionModel,
  loadModel,
  type Model,
  mergeEvaluations,
  modelCard,
  pgd,
  renderCard,
  renderReport,
  renderTable,
  train,
  transfer,
} from '../../src/index.ts';
import { rejection, temporaryFolder, tinyConfig, tinyData, tinyImages } from './tiny.ts';

const folder = temporaryFolder();
const reference = (name: string) => join(import.meta.dirname, '../../native/test/nn/reference', name);
const script = {
  model: reference('script_model.pt'),
  mean: [0.5],
  std: [0.25],
};
const shape = { classes: 3, inputShape: [1, 8, 8] } as const;
const count = 90;
const climb = pgd({ steps: 5 });
let model: Model;
let other: Model;
let data: Dataset;
beforeAll(async () => {
  using images = await tinyData(96);
  ({ model } = await train(tinyConfig({ epochs: 3 }), { data: images }).result);
  ({ model: other } = await train({ ...tinyConfig({ epochs: 3 }), seed: 7 }, { data: images }).result);
  data = await tinyData(count, 'test');
});
afterAll(() => {
  model.dispose();
  other.dispose();
  data.dispose();
});

const quick: EvaluateOptions = { threads: 1, threat: { eps: 0.15 } };

/** The tiny network as a function whose logits say the class and no more. */
function hardFunction(asked: { images: number } = { images: 0 }): Model {
  return functionModel(async (images, [n]) => {
    asked.images += n;
    // The checks of models from elsewhere look at other pixels, too.
    const inside = images.map((pixel) => Math.min(1, Math.max(0, pixel)));
    const { predictions } = await model.predict(inside, { threads: 1 });
    return Float32Array.from({ length: 3 * n }, (_, at) =>
      predictions[Math.floor(at / 3)]!.label === at % 3 ? 1 : 0,
    );
  }, shape);
}

describe('transfer', () => {
  it('is the attack itself where the source is the attacked model', async () => {
    const own = await evaluate(model, data, { ...quick, attacks: [climb, apgdCe({ steps: 8 })] });
    const same = await evaluate(model, data, {
      ...quick,
      attacks: [
        transfer({ model, attack: climb }),
        { name: 'transfer', model, attack: apgdCe({ steps: 8 }) },
      ],
    });
    expect(same.images).toEqual(own.images);
    expect(own.robust.correct).toBeGreaterThan(0);
    expect(own.robust.correct).toBeLessThan(own.clean.correct);
    for (const [i, { passes, source }] of same.attacks.entries()) {
      const { forward, backward } = own.attacks[i]!.passes;
      expect(passes).toEqual({ forward, backward: 0 });
      expect(source).toEqual({
        architecture: 'preact-resnet',
        path: null,
        sha256: null,
        passes: { forward: backward, backward },
      });
    }
    expect(same.attacks[0]!.options).toEqual({ attack: 'pgd', ...own.attacks[0]!.options });
  });

  it('attacks a function without gradients through a TorchScript file, and says so in table and report', async () => {
    const asked = { images: 0 };
    using hard = hardFunction(asked);
    const evaluation = await evaluate(hard, data, {
      ...quick,
      attacks: transfer({ ...script, attack: { name: 'apgd-ce', steps: 10 } }),
      examples: 4,
      epsCurve: { points: [0, 0.1, 1], count: 30 },
    });
    const [found] = evaluation.attacks;
    expect(found!.broken).toBeGreaterThan(0);
    expect(found).toMatchObject({
      name: 'transfer',
      passes: { backward: 0 },
      options: { attack: 'apgd-ce', steps: 10 },
      source: {
        architecture: 'torchscript',
        path: script.model,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
    expect(found!.source!.passes.backward).toBeGreaterThan(0);
    expect(found!.source!.passes.forward).toBe(found!.source!.passes.backward);
    // All that the function was asked is billed, but the checks of the model and the curve.
    expect(asked.images).toBeGreaterThanOrEqual(evaluation.passes.forward);
    const rates = evaluation.epsCurve!.points.map(({ robust }) => robust.correct);
    expect(rates).toEqual([...rates].sort((a, b) => b - a));
    expect(evaluation.epsCurve).toMatchObject({ attack: 'transfer', points: { length: 3 } });
    for (const example of evaluation.examples) {
      expect(example.adversarialPrediction).not.toBe(example.label);
    }
    const line = new RegExp(`transfer apgd-ce .* gradients of ${script.model}: \\d+ fwd, \\d+ bwd$`, 'm');
    expect(renderTable(evaluation)).toMatch(line);
    expect(renderReport({ evaluation, history: [], config: null })).toContain(`gradients of ${script.model}`);
  });

  it('of another network of the same task breaks fewer images than its own gradients do', async () => {
    const evaluation = await evaluate(model, data, {
      ...quick,
      attacks: [climb, transfer({ model: other, attack: climb })],
    });
    const { attacks } = evaluation;
    expect(attacks[1]!.broken).toBeGreaterThan(0);
    expect(attacks[1]!.broken).toBeLessThanOrEqual(attacks[0]!.broken);
    expect(renderCard(modelCard({ model, evaluation }))).toContain('gradients of preact-resnet: ');
  });

  it('looks at a source that selfgrad did not make as it does at the attacked model', async () => {
    const path = reference('script_train_mode.pt');
    const attacks = [transfer({ ...script, model: path, attack: 'fgsm' })];
    const { warnings } = await evaluate(model, data, { ...quick, attacks });
    expect(warnings).toContainEqual({
      code: 'W_TRAIN_MODE',
      message: expect.stringMatching(
        /^Source .*script_train_mode\.pt: .*export the model in evaluation mode\.$/,
      ),
    });
    const bare = await evaluate(model, data, { ...quick, attacks: [climb] });
    expect(bare.warnings.map(({ code }) => code)).not.toContain('W_TRAIN_MODE');
  });

  it('does not depend on the batch size', async () => {
    const attacks = [transfer({ model: other, attack: climb })];
    const whole = await evaluate(model, data, { ...quick, attacks, batchSize: 90 });
    const pieces = await evaluate(model, data, { ...quick, attacks, batchSize: 7 });
    expect(pieces.images.brokenBy).toEqual(whole.images.brokenBy);
  });

  it('returns images that the attacked model gets wrong, and what the source was asked', async () => {
    const { images: bytes, labels } = tinyImages(30, 2);
    const images = Float32Array.from(bytes, (value) => value / 255);
    using hard = hardFunction();
    const { success, predictions, adversarial, passes, sourcePasses } = await attack(
      hard,
      images,
      labels,
      transfer({ model: other, attack: climb }),
      { threat: { eps: 0.2 }, threads: 1 },
    );
    const { predictions: again } = await model.predict(adversarial, { threads: 1 });
    expect([...predictions]).toEqual(again.map(({ label }) => label));
    expect([...success]).toEqual([...predictions].map((label, i) => Number(label !== labels[i])));
    expect([...success]).toContain(1);
    expect(Math.max(...adversarial.map((x, i) => Math.abs(x - images[i]!)))).toBeLessThanOrEqual(0.2 + 1e-6);
    expect(passes.backward).toBe(0);
    expect(sourcePasses.backward).toBeGreaterThan(0);
  });
});

describe('an evaluation with a source, in parts', () => {
  const attacks = () => [transfer({ model: other, attack: climb })];

  it('gives the numbers of the whole when its shards are merged', async () => {
    const whole = await evaluate(model, data, { ...quick, attacks: attacks() });
    const shards = await Promise.all(
      ['1/3', '2/3', '3/3'].map((shard) => evaluate(model, data, { ...quick, attacks: attacks(), shard })),
    );
    const merged = mergeEvaluations(shards);
    expect(merged.images).toEqual(whole.images);
    expect(merged.attacks[0]!.source).toEqual({
      ...whole.attacks[0]!.source,
      passes: {
        forward: shards.reduce((sum, { attacks: [one] }) => sum + one!.source!.passes.forward, 0),
        backward: shards.reduce((sum, { attacks: [one] }) => sum + one!.source!.passes.backward, 0),
      },
    });
    const fromFile = await evaluate(model, data, { ...quick, attacks: [transfer(script)], shard: '3/3' });
    expect(() => mergeEvaluations([shards[0]!, shards[1]!, fromFile])).toThrow(
      /^Expected parts of one evaluation/,
    );
  });

  it('goes on after an interruption, with the same source alone', async () => {
    const partial = join(folder, 'partial.jsonl');
    const options = { ...quick, attacks: [transfer({ ...script, attack: climb })], saveEvery: 30 };
    const whole = await evaluate(model, data, options);
    const stop = new AbortController();
    await rejection(
      evaluate(model, data, {
        ...options,
        partial,
        signal: stop.signal,
        onEvent: (event) => event.type === 'part' && stop.abort(new Error('enough')),
      }),
    );
    expect(existsSync(partial)).toBe(true);
    expect(
      await rejection(
        evaluate(model, data, { ...options, partial, attacks: [transfer({ model: other, attack: climb })] }),
      ),
    ).toMatchObject({ code: 'ERR_CHECKPOINT' });
    const resumed = await evaluate(model, data, { ...options, partial });
    expect(resumed.images).toEqual(whole.images);
    expect(resumed.attacks[0]).toMatchObject({
      broken: whole.attacks[0]!.broken,
      source: { path: script.model },
    });
    expect(existsSync(partial)).toBe(false);
  });

  it('stops at a signal while the source is asked, and the source can be used again', async () => {
    const stop = new AbortController();
    const endless = pgd({ steps: 1_000_000, eps: 1e-9 });
    const rejected = rejection(
      evaluate(model, data, {
        ...quick,
        attacks: [transfer({ model: other, attack: endless })],
        signal: stop.signal,
        onEvent: ({ type }) => type === 'clean' && stop.abort(new Error('enough')),
      }),
    );
    expect(await rejected).toMatchObject({ message: 'enough' });
    expect((await other.predict(tinyImages(3).images, { threads: 1 })).predictions).toHaveLength(3);
  });
});

describe('misuse of transfer', () => {
  const fails = async (options: EvaluateOptions['attacks'], attacked = model) => {
    const error = (await rejection(evaluate(attacked, data, { ...quick, attacks: options }))) as {
      code?: string;
      message: string;
    };
    return `${error.code}  ${error.message}`;
  };

  it('an entry that is none', async () => {
    expect(await fails([climb, null as never])).toMatch(
      /^ERR_OPTION {2}Expected random, fgsm, .* for evaluate\.attacks\[1\] but received null\.$/,
    );
  });

  it('a source without gradients', async () => {
    using hard = hardFunction();
    expect(await fails([transfer({ model: hard })])).toBe(
      'ERR_OPTION  Expected a model with gradients for evaluate.attacks[0].model but received a function. Give a model of selfgrad, the weights of a PyTorch model, or TorchScript.',
    );
  });

  it('a source for other images', async () => {
    using wide = await loadModel(reference('plain_state_dict.safetensors'), {
      architecture: 'preact-resnet',
      depths: [1, 1],
      width: 4,
      inputShape: [3, 8, 8],
    });
    expect(await fails([climb, transfer({ model: wide })])).toBe(
      'ERR_OPTION  Expected a model for 1×8×8 images and 3 classes (as the attacked one) for evaluate.attacks[1].model but received one for 3×8×8 images and 5 classes. Give one that was trained for the same data.',
    );
  });

  it('a source that is not there', async () => {
    expect(await fails([transfer({ model: join(folder, 'none.safetensors') })])).toMatch(
      /^ERR_CHECKPOINT {2}.*none\.safetensors/,
    );
  });

  it('a source that was disposed of', async () => {
    using images = await tinyData(96);
    const { model: gone } = await train(tinyConfig({ epochs: 1 }), { data: images }).result;
    gone.dispose();
    expect(await fails([transfer({ model: gone })])).toBe(
      'ERR_OPTION  Expected a model but it was disposed.',
    );
  });

  it('what the attacked function throws ends the run', async () => {
    let calls = 0;
    using broken = functionModel((_images, [n]) => {
      if (++calls > 4) throw new Error('service unavailable');
      return new Float32Array(3 * n);
    }, shape);
    expect(await fails([transfer({ model: other })], broken)).toBe('undefined  service unavailable');
  });
});
