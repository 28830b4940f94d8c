/** Models that users bring: TorchScript files, state_dicts, functions; native/test/nn/reference made the files. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  attack,
  type Dataset,
  evaluate,
  functionModel,
  loadModel,
  loadTorchScript,
  type Model,
  type ModelFunction,
  type NetworkLayerInput,
  pgd,
  square,
  stability,
  type TorchScriptOptions,
  train,
} from '../../src/index.ts';
import { checkModel } from '../../src/modelChecks.ts';
import { loadBinding } from '../../src/native/load.ts';
import { rejection, temporaryFolder, tinyConfig, tinyData, tinyImages } from './tiny.ts';

const folder = temporaryFolder();
const reference = (name: string) => join(import.meta.dirname, '../../native/test/nn/reference', name);
const script: TorchScriptOptions = { inputShape: [1, 8, 8], mean: [0.5], std: [0.25] };
const shape = { classes: 3, inputShape: [1, 8, 8] } as const;
const quick = { threads: 1, threat: { eps: 0.15 }, attacks: [square({ queries: 60 })] };
const codes: (string | undefined)[] = [];
process.on('warning', (warning: Error & { code?: string }) => codes.push(warning.code));
let data: Dataset;
beforeAll(async () => {
  data = await tinyData(60, 'test');
});
afterAll(() => data.dispose());

async function open(name = 'script_model.pt', options = script): Promise<Model> {
  const model = await loadTorchScript(reference(name), options);
  onTestFinished(() => model.dispose());
  return model;
}

/** Logits of the tiny images that are right: the sum of each class's columns, times `scale`. */
const columns =
  (scale = 1): ModelFunction =>
  (images, [count]) =>
    Float32Array.from({ length: count * 3 }, (_, at) => {
      const [row, label] = [Math.floor(at / 3), at % 3];
      const image = images.subarray(row * 64, row * 64 + 64);
      return (
        image.reduce((sum, value, i) => (i % 8 >= 2 * label && i % 8 <= 2 * label + 2 ? sum + value : sum)) *
        scale
      );
    });

describe('loadTorchScript', () => {
  it('gives a model that evaluate, attack and stability take', async () => {
    const model = await open();
    expect(model).toMatchObject({ architecture: 'torchscript', origin: 'torchscript', parameterCount: 411 });
    expect(model.classes).toEqual(['0', '1', '2']);
    const { clean, robust, warnings } = await evaluate(model, data, {
      ...quick,
      attacks: [pgd({ steps: 10 }), ...quick.attacks],
    });
    expect(clean.rate).toBeGreaterThan(0.9);
    expect(robust.rate).toBeLessThan(clean.rate);
    expect(warnings).toEqual([]);
    const { images, labels } = tinyImages(9);
    const floats = Float32Array.from(images, (value) => value / 255);
    const { success } = await attack(model, floats, labels, pgd(), { threat: { eps: 0.3 } });
    expect(success).toEqual(new Uint8Array(9).fill(1));
    const analysis = await stability(model, data, { threads: 1, count: 12, iterations: 3 });
    expect(analysis).toMatchObject({ bound: null, options: { certify: null } });
    expect(analysis.warnings[0]).toMatchObject({ code: 'W_NO_BOUND' });
    expect(analysis.diagnostics.eigenvalue.count).toBe(12);
  });

  it('answers as its evaluation does, whatever the batch', async () => {
    const model = await open();
    const { images } = tinyImages(20);
    const { logits } = await model.predict(images, { threads: 1 });
    const { logits: other } = await model.predict(images, { threads: 1, batchSize: 3 });
    expect(Math.max(...logits.map((value, i) => Math.abs(value - other[i]!)))).toBeLessThan(1e-5);
  });

  it('warns that the file is a program, once', async () => {
    await open();
    await open();
    await new Promise(setImmediate);
    expect(codes.filter((code) => code === 'W_TORCHSCRIPT')).toHaveLength(1);
  });

  it('is neither trained nor saved', async () => {
    const model = await open();
    const refusal = expect.objectContaining({ code: 'ERR_OPTION' });
    expect(() => model.save(join(folder, 'none.safetensors'))).toThrow(refusal);
    expect(() => model.flops).toThrow(refusal);
  });

  it('tells a program that was exported in training mode', async () => {
    const model = await open('script_train_mode.pt');
    const warnings = await checkModel(model, data, { count: 60, threads: 1, signal: undefined });
    expect(warnings.map(({ code }) => code)).toContain('W_TRAIN_MODE');
  });

  it('refuses a normalisation of another length', async () => {
    expect(
      await rejection(loadTorchScript(reference('script_model.pt'), { ...script, mean: [0.5, 0.5] })),
    ).toMatchObject({
      code: 'ERR_OPTION',
      message:
        'Expected 1 numbers, one a channel, for mean and 1 above zero for std but received [0.5,0.5] and [0.25]. Give both, or neither for a model that takes pixels in [0, 1].',
    });
  });

  it('is not what opens a program that lies where a checkpoint should', async () => {
    const opened = vi.spyOn(loadBinding(), 'loadTorchScript');
    const out = join(folder, 'program-run');
    mkdirSync(out);
    const files = ['model.safetensors', 'checkpoint.safetensors'].map((name) => join(out, name));
    for (const file of files) copyFileSync(reference('script_model.pt'), file);
    using images = await tinyData(16);
    const resumed = train(tinyConfig(), { data: images, out, resume: true }).result;
    for (const run of [loadModel(out), ...files.map((file) => loadModel(file)), resumed])
      expect(await rejection(run)).toMatchObject({ code: 'ERR_CHECKPOINT' });
    expect(opened).not.toHaveBeenCalled();
    (await loadTorchScript(reference('script_model.pt'), script)).dispose();
    expect(opened).toHaveBeenCalledOnce();
  });

  it('refuses safetensors by the name of TorchScript, and the other way round', async () => {
    const disguised = join(folder, 'weights.pt');
    copyFileSync(reference('plain_state_dict.safetensors'), disguised);
    expect(await rejection(loadTorchScript(disguised, script))).toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: `Expected a zip archive, as PyTorch writes in ${disguised} but received safetensors. Give it the ending .safetensors and load it with loadModel.`,
    });
    const zip = join(folder, 'program.safetensors');
    copyFileSync(reference('script_model.pt'), zip);
    expect(await rejection(loadModel(zip))).toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringContaining('Load TorchScript by the name model.pt or with loadTorchScript'),
    });
  });
});

describe('loadModel with an architecture', () => {
  it('reads the state_dict of a PyTorch model', async () => {
    const path = reference('plain_state_dict.safetensors');
    const options = {
      architecture: 'preact-resnet',
      depths: [1, 1],
      width: 4,
      inputShape: [3, 8, 8],
    } as const;
    using model = await loadModel(path, { ...options, depths: [1, 1] });
    expect(model).toMatchObject({ origin: 'state-dict', architecture: 'preact-resnet-plain' });
    expect(model.normalisation.mean.map((value) => Number(value.toFixed(6)))).toEqual([0.5, 0.4, 0.3]);
    expect(model.classes).toHaveLength(5);
    // Saved, it is a model file of selfgrad.
    const saved = join(folder, 'converted.safetensors');
    model.save(saved);
    using again = await loadModel(saved);
    const { images } = tinyImages(6);
    expect(await again.predict(images.subarray(0, 192))).toEqual(
      await model.predict(images.subarray(0, 192)),
    );
  });

  it('knows wide-resnet-DEPTH-WIDTH, whatever tool wrote the names', async () => {
    using images = await tinyData(16);
    const config = {
      ...tinyConfig({ epochs: 1 }),
      model: { architecture: 'wide-resnet', depths: [1, 1, 1], width: 1 },
    } as const;
    const { model } = await train(
      { ...config, model: { ...config.model, depths: [1, 1, 1] } },
      { data: images },
    ).result;
    const path = join(folder, 'wide.safetensors');
    model.save(path);
    // Without our metadata it is what safetensors.torch.save_file writes.
    const bytes = readFileSync(path);
    const end = 8 + Number(bytes.readBigUInt64LE(0));
    const { __metadata__: _, ...tensors } = JSON.parse(bytes.toString('utf8', 8, end));
    const header = Buffer.from(JSON.stringify(tensors).padEnd(end - 8));
    writeFileSync(path, Buffer.concat([bytes.subarray(0, 8), header, bytes.subarray(end)]));
    expect(await rejection(loadModel(path))).toMatchObject({ code: 'ERR_CHECKPOINT' });
    using foreign = await loadModel(path, { architecture: 'wide-resnet-10-1', inputShape: [1, 8, 8] });
    const { images: pixels } = tinyImages(5);
    expect(await foreign.predict(pixels, { threads: 1 })).toEqual(
      await model.predict(pixels, { threads: 1 }),
    );
    expect(
      await rejection(loadModel(path, { architecture: 'wide-resnet-16-1', inputShape: [1, 8, 8] })),
    ).toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringContaining('Missing (30): block1.layer.1.bn1.weight'),
    });
    model.dispose();
  });

  it('takes an nn.Sequential as a list of layers', async () => {
    using images = await tinyData(16);
    const layers: NetworkLayerInput[] = [
      { name: 'conv', channels: 4, groups: 1 },
      'norm-activation',
      { name: 'bottleneck', channels: 8, stride: 2 },
      { name: 'conv', channels: 8, groups: 8 },
      'global-average-pool',
      'linear',
    ];
    const model = { architecture: 'layers', layers, activation: 'silu' } as const;
    const { model: trained } = await train({ ...tinyConfig({ epochs: 1 }), model }, { data: images }).result;
    using own = trained;
    const path = join(folder, 'listed.safetensors');
    own.save(path);
    using foreign = await loadModel(path, { ...model, inputShape: [1, 8, 8] });
    expect(foreign).toMatchObject({ origin: 'state-dict', architecture: 'layers' });
    const { images: pixels } = tinyImages(5);
    expect(await foreign.predict(pixels, { threads: 1 })).toEqual(await own.predict(pixels, { threads: 1 }));
    const other = [...layers.slice(0, -1), { name: 'linear', features: 7 } as const, 'linear' as const];
    expect(
      await rejection(loadModel(path, { ...model, layers: other, inputShape: [1, 8, 8] })),
    ).toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringContaining('Missing (2): layers.6.weight, layers.6.bias.'),
    });
    for (const [options, received] of [
      [{ architecture: 'layers' }, 'Expected a list of layers for layers but received null.'],
      [{ architecture: 'preact-resnet-18', layers }, 'Expected null for layers but received'],
    ] as const) {
      expect(await rejection(loadModel(path, options))).toMatchObject({
        code: 'ERR_OPTION',
        message: expect.stringContaining(received),
      });
    }
  });

  it.each(['resnet-50', 'wide-resnet-29-10', 'wide-resnet-28-0', 'preact-resnet'])(
    'refuses %s',
    async (architecture) => {
      const path = reference('plain_state_dict.safetensors');
      expect(await rejection(loadModel(path, { architecture }))).toMatchObject({
        code: 'ERR_OPTION',
        message: `Expected preact-resnet-18, wide-resnet-DEPTH-WIDTH or layers for architecture but received '${architecture}' (string). Or give depths and width with one of preact-resnet, preact-resnet-plain, wide-resnet, small-cnn.`,
      });
    },
  );
});

describe('functionModel', () => {
  it('is attacked without gradients, by a function that answers at once or later', async () => {
    using now = functionModel(columns(), shape);
    const { clean, robust, attacks, examples, warnings } = await evaluate(now, data, quick);
    expect(clean.rate).toBe(1);
    expect(robust.correct).toBeLessThan(60);
    expect(warnings).toEqual([]);
    expect(attacks[0]!.passes.backward).toBe(0);
    expect(new Set(examples.map(({ gradient }) => gradient))).toEqual(new Set([null]));
    using later = functionModel(async (images, sizes) => {
      await new Promise(setImmediate);
      return columns()(images, sizes);
    }, shape);
    const again = await evaluate(later, data, { ...quick, batchSize: 7 });
    expect(again.robust).toEqual(robust);
  });

  it('is attacked by square where no attack is named', async () => {
    using model = functionModel(columns(), shape);
    const { attacks } = await evaluate(model, data, { threads: 1, count: 1, threat: { eps: 1 } });
    expect(attacks.map(({ name }) => name)).toEqual(['square']);
  });

  it('refuses what needs gradients and names what works', async () => {
    using model = functionModel(columns(), shape);
    const sentence = (name: string) =>
      `Expected attacks without gradients for a model that is a function but received ${name}. These work: random, square or transfer.`;
    const refusals = {
      pgd: evaluate(model, data, { ...quick, attacks: ['square', 'pgd'] }),
      'a stability analysis': stability(model, data),
      fgsm: attack(model, new Float32Array(64), [0], { name: 'fgsm' } as never),
    };
    for (const [name, refused] of Object.entries(refusals)) {
      expect(await rejection(refused)).toMatchObject({ code: 'ERR_OPTION', message: sentence(name) });
    }
  });

  it('rejects with what the function threw, at once or later', async () => {
    const failure = new RangeError('no session');
    using now = functionModel(() => {
      throw failure;
    }, shape);
    using later = functionModel(() => Promise.reject(failure), shape);
    expect(await rejection(evaluate(now, data, quick))).toBe(failure);
    expect(await rejection(attack(later, new Float32Array(64), [0], square()))).toBe(failure);
    expect(await rejection(later.predict(new Float32Array(64)))).toBe(failure);
  });

  it.each<[string, unknown]>([
    ['a Float32Array of 2', new Float32Array(2)],
    ['[1,2,3] (array)', [1, 2, 3]],
    ['nothing', undefined],
  ])('refuses %s instead of logits', async (received, answer) => {
    using model = functionModel(() => answer as Float32Array, shape);
    expect(await rejection(model.predict(new Float32Array(64)))).toMatchObject({
      code: 'ERR_OPTION',
      message: `Expected a Float32Array of 3 logits (1 images, 3 classes) from the model's function but received ${received}.`,
    });
  });

  // In the checks of the model, and behind them in the attack.
  it.each([3, 60])(
    'stops when it is aborted, even if the function never answers call %d',
    async (answered) => {
      const controller = new AbortController();
      let calls = 0;
      using model = functionModel((images, sizes) => {
        calls += 1;
        if (calls < answered) return columns()(images, sizes);
        controller.abort(new Error('enough'));
        return new Promise(() => {});
      }, shape);
      const run = evaluate(model, data, { ...quick, signal: controller.signal });
      expect(await rejection(run)).toMatchObject({ message: 'enough' });
    },
  );

  it('may be disposed of while it is asked', async () => {
    const model = functionModel(async (images, sizes) => {
      model.dispose();
      return columns()(images, sizes);
    }, shape);
    expect((await model.predict(new Float32Array(128))).predictions).toHaveLength(2);
    expect(await rejection(model.predict(new Float32Array(64)))).toMatchObject({ code: 'ERR_OPTION' });
  });

  it('refuses NaN logits by the name of the batch', async () => {
    using model = functionModel((_, [count]) => new Float32Array(3 * count).fill(Number.NaN), shape);
    expect(await rejection(evaluate(model, data, quick))).toMatchObject({ code: 'ERR_NUMERIC' });
  });
});
