/** Training through the addon: JavaScript stays free, stopping loses nothing, and errors arrive as sentences. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Dataset, loadModel, type TrainEvent, train } from '../../src/index.ts';
import { Model } from '../../src/model.ts';
import { loadBinding } from '../../src/native/load.ts';
import { encodePng } from '../../src/png.ts';
import { nextEvent, rejection, temporaryFolder, tinyConfig, tinyData, tinyImages } from './tiny.ts';

const folder = temporaryFolder();
let data: Dataset;
beforeAll(async () => {
  data = await tinyData(96);
});
afterAll(() => data.dispose());

/** The tensors of a safetensors file, without its header (which holds times). */
function tensorBytes(file: string): Buffer {
  const bytes = readFileSync(file);
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
}

const modelFile = (run: string) => join(run, 'model.safetensors');

describe('a system clock that is set while a run lasts', () => {
  it('changes neither the result nor a duration, and the run can be resumed', async () => {
    const out = join(folder, 'clock');
    const config = tinyConfig({ epochs: 3, checkpoint: { every: 1 } });
    (await train(config, { data, out: join(folder, 'no-clock') }).result).model.dispose();
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const stop = new AbortController();
      const run = train(config, { data, out, signal: stop.signal });
      let years = 0;
      await rejection(
        (async () => {
          for await (const event of run) {
            // Ten years back, then twenty ahead, and so on.
            years += 1;
            vi.setSystemTime(Date.UTC(2026 + (years % 2 ? -10 * years : 10 * years), 0, 1));
            if (event.type === 'epoch' && event.epoch === 2) stop.abort();
          }
          await run.result;
        })(),
      );
      vi.setSystemTime(Date.UTC(1990, 0, 1));
      const { model, history, seconds } = await train(config, { data, out, resume: true }).result;
      model.dispose();
      const durations = history.flatMap((event) => ('seconds' in event ? [event.seconds] : []));
      expect(Math.min(...durations, seconds)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...durations, seconds)).toBeLessThan(600);
    } finally {
      vi.useRealTimers();
    }
    expect(tensorBytes(modelFile(out))).toEqual(tensorBytes(modelFile(join(folder, 'no-clock'))));
  });
});

describe('train.classWeights', () => {
  const weighted = (classWeights: number[] | 'balanced' | null) =>
    train(tinyConfig({ epochs: 3, classWeights }), { data }).result;

  it('reach the loss: a class that outweighs the others is said of every image', async () => {
    const { images } = tinyImages(30, 2);
    const pixels = Float32Array.from(images, (byte) => byte / 255);
    for (const heavy of [0, 2]) {
      const { model } = await weighted([0, 1, 2].map((label) => (label === heavy ? 1 : 1e-6)));
      const { predictions } = await model.predict(pixels);
      model.dispose();
      expect(new Set(predictions.map(({ label }) => label))).toEqual(new Set([heavy]));
    }
  });

  it('balanced changes nothing where the classes are equal', async () => {
    const losses = [];
    for (const weights of [null, 'balanced'] as const) {
      const { model, history } = await weighted(weights);
      model.dispose();
      losses.push(history.flatMap((event) => (event.type === 'epoch' ? [event.loss] : [])));
    }
    expect(losses[1]).toEqual(losses[0]);
  });

  it('of another number than the classes is refused', async () => {
    expect(await rejection(weighted([1, 2]))).toMatchObject({ code: 'ERR_OPTION' });
  });
});

describe('train', () => {
  it('leaves the event loop to others', async () => {
    const gaps: number[] = [];
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      gaps.push(now - last);
      last = now;
    }, 10);
    const run = train(tinyConfig({ epochs: 40 }), { data });
    const { model, seconds } = await run.result;
    clearInterval(timer);
    model.dispose();
    expect(seconds).toBeGreaterThan(0.1);
    // A quarter of the ticks of a free loop: a busy machine may lose some, a blocked loop loses all.
    expect(gaps.length).toBeGreaterThan((seconds * 1000) / 10 / 4);
    expect(Math.max(...gaps)).toBeLessThan(Math.max(500, seconds * 250));
  });

  it('needs nobody who iterates, and tells the same in its history', async () => {
    const { model, history, steps, passes } = await train(tinyConfig(), { data }).result;
    expect(model.options.classes).toBe(3);
    model.dispose();
    expect(steps).toBe(24);
    // Eight images are in flight at the end, with one of their two passes to come.
    expect(passes).toEqual({ forward: 2 * 2 * 96 - 8, backward: 2 * 2 * 96 - 8 });
    expect(history.filter(({ type }) => type !== 'step').map(({ type }) => type)).toEqual([
      'start',
      'epoch',
      'epoch',
      'end',
    ]);
  });

  it('goes on when the reader breaks out of the iteration', async () => {
    const run = train(tinyConfig(), { data });
    await nextEvent(run, 'start');
    const { model, steps } = await run.result;
    model.dispose();
    expect(steps).toBe(24);
  });

  it('gives the same weights twice, and other ones for another seed', async () => {
    const logitsOf = async (seed: number) => {
      const { model } = await train({ ...tinyConfig(), seed }, { data }).result;
      const { logits } = await model.predict(tinyImages(6, 5).images, { threads: 1 });
      model.dispose();
      return [...logits];
    };
    const [first, again, other] = [await logitsOf(3), await logitsOf(3), await logitsOf(4)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('validates on images that are held out of train', async () => {
    const config = tinyConfig({ epochs: 1, validate: { every: 1, count: 20 } });
    const drawn = {
      source: 'fashion-mnist-mini',
      trainCount: 64,
      pick: 'stratified',
      validation: 0.01,
    } as const;
    const { model, history, config: recorded } = await train({ ...config, data: drawn }).result;
    const evaluated = history.filter(({ type }) => type === 'eval');
    expect([evaluated.length, model.metadata['data.name'], recorded.data.validation]).toEqual([
      1,
      'fashion-mnist-mini',
      0.01,
    ]);
    expect(evaluated[0]).toMatchObject({ clean: { count: 20 } });
    model.dispose();
  });

  it('runs twice at once, each as it would alone', async () => {
    const alone = join(folder, 'alone');
    const both = ['first', 'second'].map((name) => join(folder, name));
    const config = tinyConfig({ epochs: 4 });
    const results = [
      await train(config, { data, out: alone }).result,
      ...(await Promise.all(both.map((out) => train(config, { data, out }).result))),
    ];
    for (const { model } of results) model.dispose();
    for (const run of both) expect(tensorBytes(modelFile(run))).toEqual(tensorBytes(modelFile(alone)));
  });

  it('reports a loss that is not finite', async () => {
    const run = train(tinyConfig({ lr: 1e30, epochs: 4 }), { data });
    expect(await rejection(run.result)).toMatchObject({
      code: 'ERR_NUMERIC',
      exitCode: 1,
      message: expect.stringMatching(
        /^The training loss became (-?nan|-?inf) at step \d+\. Lower train\.lr or use train\.precision float32\.$/,
      ),
    });
  });
});

describe('a signal', () => {
  it('stops the run with its reason, and resuming ends in the bytes of a run that never stopped', async () => {
    const [whole, stopped] = ['whole', 'stopped'].map((name) => join(folder, name)) as [string, string];
    const config = tinyConfig({ epochs: 30 });
    (await train(config, { data, out: whole }).result).model.dispose();

    const controller = new AbortController();
    const reason = new Error('enough');
    const run = train(config, { data, out: stopped, signal: controller.signal });
    await nextEvent(run, 'epoch');
    controller.abort(reason);
    expect(await rejection(run.result)).toBe(reason);
    expect(existsSync(join(stopped, 'checkpoint.safetensors'))).toBe(true);
    expect(existsSync(modelFile(stopped))).toBe(false);

    const { model, history } = await train(config, { data, out: stopped, resume: true }).result;
    model.dispose();
    const start = history[0] as Extract<TrainEvent, { type: 'start' }>;
    expect(start.resumedAtStep).toBeGreaterThan(0);
    expect(start.resumedAtStep).toBeLessThan(180);
    expect(tensorBytes(modelFile(stopped))).toEqual(tensorBytes(modelFile(whole)));
  });

  it('ends the iteration with its reason too', async () => {
    const controller = new AbortController();
    const run = train(tinyConfig({ epochs: 200 }), { data, signal: controller.signal });
    run.result.catch(() => {});
    const reason = new Error('no more');
    const seen = async () => {
      for await (const { type } of run) if (type === 'epoch') controller.abort(reason);
    };
    expect(await rejection(seen())).toBe(reason);
  });

  it('that is aborted already starts nothing', async () => {
    const out = join(folder, 'never');
    const run = train(tinyConfig(), { data, out, signal: AbortSignal.abort('before') });
    expect(await rejection(run.result)).toBe('before');
    expect(existsSync(modelFile(out))).toBe(false);
  });
});

describe('misuse', () => {
  it("a model that trains is nobody else's", async () => {
    const start = vi.spyOn(loadBinding(), 'train');
    const controller = new AbortController();
    const run = train(tinyConfig({ epochs: 1000 }), { data, signal: controller.signal });
    run.result.catch(() => {});
    await nextEvent(run, 'start');
    const [options] = start.mock.calls[0]!;
    const sentence = {
      code: 'ERR_OPTION',
      message:
        'Expected a model that is not in use but another run has it. Wait for that run, or load a second model.',
    };
    const second = loadBinding().train({ ...options, checkpointPath: '' }, () => {});
    expect(await rejection(second.promise)).toMatchObject(sentence);
    const model = new Model(options.model, {}, null);
    expect(await rejection(model.predict(tinyImages(1).images))).toMatchObject(sentence);
    expect(() => model.save(join(folder, 'busy.safetensors'))).toThrow(sentence.message);
    controller.abort();
    await rejection(run.result);
  });

  it('a data set that was disposed of', async () => {
    const gone = await tinyData(8);
    gone.dispose();
    expect(await rejection(train(tinyConfig(), { data: gone }).result)).toMatchObject({
      code: 'ERR_OPTION',
      message: 'Expected a data set but it was disposed.',
    });
  });

  it('a data set that is disposed of in mid-run is kept until its end', async () => {
    const own = await tinyData(96);
    const run = train(tinyConfig({ epochs: 3 }), { data: own });
    await nextEvent(run, 'start');
    own.dispose();
    const { model, history } = await run.result;
    model.dispose();
    const losses = (events: readonly TrainEvent[]) =>
      events.flatMap((event) => (event.type === 'epoch' ? [event.loss] : []));
    const same = await train(tinyConfig({ epochs: 3 }), { data }).result;
    same.model.dispose();
    expect(losses(history)).toEqual(losses(same.history));
  });

  it('a model that was disposed of', async () => {
    const { model } = await train(tinyConfig({ epochs: 1 }), { data }).result;
    model.dispose();
    model.dispose();
    expect(await rejection(model.predict(tinyImages(1).images))).toMatchObject({
      code: 'ERR_OPTION',
      message: 'Expected a model but it was disposed.',
    });
    expect(() => model.save(join(folder, 'gone.safetensors'))).toThrow(
      'Expected a model but it was disposed.',
    );
  });

  it('a directory that holds a run already', async () => {
    const out = join(folder, 'held');
    (await train(tinyConfig({ epochs: 1 }), { data, out }).result).model.dispose();
    const before = readFileSync(modelFile(out));
    expect(() => train(tinyConfig({ epochs: 1 }), { data, out })).toThrow(
      `Expected a new directory for out but ${out} holds a run. Resume it (--resume), replace it (--overwrite), or name another directory.`,
    );
    expect(readFileSync(modelFile(out))).toEqual(before);
    (
      await train({ ...tinyConfig({ epochs: 1 }), seed: 7 }, { data, out, overwrite: true }).result
    ).model.dispose();
    expect(tensorBytes(modelFile(out))).not.toEqual(before.subarray(-tensorBytes(modelFile(out)).length));
  });

  it('a checkpoint of another run, whose files stay as they are', async () => {
    const out = join(folder, 'other');
    (await train(tinyConfig({ epochs: 1 }), { data, out }).result).model.dispose();
    const file = join(out, 'checkpoint.safetensors');
    const files = () => readdirSync(out).map((name) => [name, readFileSync(join(out, name), 'latin1')]);
    const before = files();
    const run = train({ ...tinyConfig({ epochs: 1 }), seed: 1 }, { data, out, resume: true });
    expect(await rejection(run.result)).toMatchObject({
      code: 'ERR_CHECKPOINT',
      exitCode: 2,
      message: `Expected a checkpoint of the same run for ${file} but its run differs. Resume with the configuration and data that it was made with, or start afresh in another directory.`,
    });
    expect(files()).toEqual(before);
    using model = await loadModel(out);
    expect(model.metadata.strategy).toBe('self-gradient');
  });

  it('a validation attack that needs more classes, before any image is read', async () => {
    const path = join(folder, 'unreadable');
    for (const split of ['train', 'test']) {
      for (const name of ['cat', 'dog']) {
        mkdirSync(join(path, split, name), { recursive: true });
        // The first one may be looked at for its size.
        writeFileSync(join(path, split, name, '0.png'), encodePng(new Uint8Array(192), [3, 8, 8]));
        writeFileSync(join(path, split, name, '1.png'), 'no picture');
      }
    }
    const run = train({
      ...tinyConfig({ validate: { every: 1, attack: { name: 'apgd-t' } } }),
      data: { source: 'image-folder', path, size: [8, 8] },
    });
    expect(await rejection(run.result)).toMatchObject({
      code: 'ERR_OPTION',
      message: expect.stringContaining('Expected at least 4 classes for the attack apgd-t'),
    });
  });
});
