/** Evaluation through the addon: counts that add up and do not depend on how the images were cut into batches. */
import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  autoattack,
  Dataset,
  type EvaluateEvent,
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  fgsm,
  loadModel,
  masking,
  mergeEvaluations,
  openArrays,
  pgd,
  type Rate,
  renderReport,
  renderTable,
  stability,
  train,
} from '../../src/index.ts';
import { rejection, temporaryFolder, tinyConfig, tinyData, tinyImages } from './tiny.ts';
import { count, data, defaults, figures, measure, model } from './tinyEvaluation.ts';

const sum = (rates: readonly Rate[]) => rates.reduce((total, { correct }) => total + correct, 0);

describe('evaluate', () => {
  const disposed = temporaryFolder();

  it('counts every image once: by attack, by class and in the worst case', async () => {
    const { clean, robust, attacks, perClass, passes } = await measure();
    expect(clean.count).toBe(count);
    // The case is worth counting: something was right, something was broken, something withstood.
    expect(clean.correct).toBeGreaterThan(robust.correct);
    expect(robust.correct).toBeGreaterThan(0);
    for (const attack of attacks) {
      expect(attack.attacked).toBe(clean.correct);
      expect(attack.robust.correct).toBe(attack.attacked - attack.broken);
      expect(attack.robust.correct).toBeGreaterThanOrEqual(robust.correct);
    }
    expect(perClass.map(({ clean }) => clean.count)).toEqual([30, 30, 30]);
    expect(sum(perClass.map((row) => row.clean))).toBe(clean.correct);
    expect(sum(perClass.map((row) => row.robust))).toBe(robust.correct);
    expect(passes.forward).toBeGreaterThan(count);
    expect(passes.backward).toBeLessThan(passes.forward);
  });

  it('tells of each broken image the step of the attack and the margin', async () => {
    const { images, attacks } = await measure();
    for (const [i, by] of images.brokenBy.entries()) {
      const { [i]: step } = images.steps;
      const { [i]: margin } = images.margins;
      if (by < 0) expect([step, margin]).toEqual([null, null]);
      else {
        expect(margin).toBeLessThan(0);
        expect(step).toBeLessThanOrEqual(Number(attacks[by]!.options.steps ?? 1));
        if (attacks[by]!.name === 'fgsm') expect(step).toBe(1);
      }
    }
    expect((await measure({ batchSize: 7 })).images.steps).toEqual(images.steps);
  });

  it('does not depend on the batch size', async () => {
    const [small, large] = [await measure({ batchSize: 7 }), await measure({ batchSize: 64 })];
    expect(figures(small)).toEqual(figures(large));
  });

  it('does not depend on the number of threads', async () => {
    expect(figures(await measure({ threads: 2 }))).toEqual(figures(await measure()));
  });

  it('takes gradients in bfloat16 when asked to, and confirms what they break in float32', async () => {
    const attacks = [pgd({ steps: 5, precision: 'bfloat16' })];
    const [exact, mixed] = [await measure({ attacks: [pgd({ steps: 5 })] }), await measure({ attacks })];
    expect(mixed.attacks[0]!.options.precision).toBe('bfloat16');
    expect(mixed.clean).toEqual(exact.clean);
    expect(Math.abs(mixed.robust.correct - exact.robust.correct)).toBeLessThanOrEqual(2);
    const margins = ({ images }: Evaluation) => images.margins.filter((margin) => margin !== null);
    expect(Math.max(...margins(mixed))).toBeLessThan(0);
    expect(margins(mixed)).not.toEqual(margins(exact));
  });

  it('in L1 runs APGD, alone without a list, and finds less the smaller the budget', async () => {
    const l1 = (eps: number) => measure({ threat: { norm: 'l1', eps }, attacks: null });
    const [none, some, more] = [await l1(1e-6), await l1(4), await l1(60)];
    expect(some.attacks.map(({ name }) => name)).toEqual(['apgd-ce']);
    expect(some.attacks[0]!.options).toMatchObject({ norm: 'l1', eps: 4, steps: 100 });
    expect(none.robust).toEqual(none.clean);
    expect(some.robust.correct).toBeLessThan(none.robust.correct);
    expect(some.robust.correct).toBeGreaterThan(0);
    expect(more.robust.correct).toBe(0);
    for (const { image, adversarial } of some.examples) {
      const size = adversarial.reduce((sum, pixel, i) => sum + Math.abs(pixel - image[i]!), 0);
      expect(size).toBeLessThanOrEqual(4 + 1e-5);
      expect(Math.min(...adversarial)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...adversarial)).toBeLessThanOrEqual(1);
    }
    expect(renderTable(some)).toContain(' · l1 4 · ');
    expect(renderReport({ evaluation: some, history: [], config: null })).toContain('L1 ≤ 4');
    const pieces = await measure({ threat: { norm: 'l1', eps: 4 }, attacks: null, batchSize: 7 });
    expect(pieces.images.brokenBy).toEqual(some.images.brokenBy);
  });

  it('leaves training, stability and the checks for masking to the other norms', async () => {
    const threat = { norm: 'l1', eps: 4 } as const;
    const sentence = (what: string) =>
      `Expected linf or l2 for the norm of ${what} but received 'l1' (string). In l1 these attacks work: apgd-ce, apgd-dlr, apgd-t.`;
    const training = train({ ...tinyConfig(), threat }, { data }).result;
    expect(await rejection(training)).toMatchObject({ code: 'ERR_OPTION', message: sentence('training') });
    expect(await rejection(stability(model, data, { threat }))).toMatchObject({
      message: sentence('a stability analysis'),
    });
    expect(await rejection(masking(model, data, { threat }))).toMatchObject({
      message: sentence('a masking analysis'),
    });
  });

  it('aims at a class when asked to: leaves its images alone, and breaks fewer than without an aim', async () => {
    const any = await measure({ attacks: [pgd({ steps: 5 })] });
    const { attacks, perClass, robust } = await measure({ attacks: [pgd({ steps: 5, target: 0 })] });
    expect(attacks[0]!.options.target).toBe(0);
    expect(any.attacks[0]!.options).not.toHaveProperty('target');
    expect(perClass[0]!.robust.correct).toBe(perClass[0]!.clean.correct);
    expect(attacks[0]!.broken).toBeGreaterThan(0);
    expect(robust.correct).toBeGreaterThan(any.robust.correct);
    expect(await rejection(measure({ attacks: [pgd({ target: 99 })] }))).toMatchObject({
      code: 'ERR_OPTION',
    });
  });

  it('in a cascade attacks only what stands, and ends in the same worst case', async () => {
    const [each, cascade] = [await measure(), await measure({ cascade: true })];
    expect(cascade.robust).toEqual(each.robust);
    let standing = cascade.clean.correct;
    for (const { attacked, broken, robust } of cascade.attacks) {
      expect(attacked).toBe(standing);
      standing -= broken;
      expect(robust.correct).toBe(standing);
    }
    expect(standing).toBe(cascade.robust.correct);
  });

  it('runs AutoAttack as a cascade of its own, whatever stands around it', async () => {
    const { clean, attacks, suites, robust } = await measure({
      attacks: [fgsm(), autoattack({ version: 'rand' }), fgsm()],
    });
    expect(attacks.map(({ name }) => name)).toEqual(['fgsm', 'apgd-ce', 'apgd-dlr', 'fgsm']);
    const [, ce, dlr] = attacks;
    expect([attacks[0], ce, attacks[3]].map((attack) => attack!.attacked)).toEqual(
      Array(3).fill(clean.correct),
    );
    expect(dlr!.attacked).toBe(ce!.robust.correct);
    expect(suites).toEqual([
      {
        name: 'autoattack',
        options: { version: 'rand', precision: 'float32', norm: 'linf', eps: 0.15 },
        attacks: [1, 2],
        robust: dlr!.robust,
        attacked: clean.correct,
        broken: ce!.broken + dlr!.broken,
        passes: {
          forward: ce!.passes.forward + dlr!.passes.forward,
          backward: ce!.passes.backward + dlr!.passes.backward,
        },
        seconds: ce!.seconds + dlr!.seconds,
      },
    ]);
    expect(robust.correct).toBeLessThanOrEqual(suites[0]!.robust.correct);
    // Every step of its climbs takes twenty passes back.
    expect(ce!.passes.backward % 20).toBe(0);
    expect((await measure({ attacks: [pgd()] })).suites).toEqual([]);
  });

  it('refuses AutoAttack on three classes before it attacks anything', async () => {
    const events: EvaluateEvent[] = [];
    const run = measure({ attacks: 'autoattack', onEvent: (event) => events.push(event) });
    expect(await rejection(run)).toMatchObject({
      code: 'ERR_OPTION',
      message:
        'Expected at least 4 classes for the attack apgd-t but received a network with 3. Use apgd-ce and fab-t.',
    });
    expect(events).toEqual([]);
  });

  it('with an eps of 0 finds the clean accuracy', async () => {
    const { clean, robust, attacks } = await measure({
      attacks: [fgsm({ eps: 0 }), pgd({ steps: 5, eps: 0 }), { name: 'cw-linf', steps: 5, eps: 0 }],
    });
    expect(robust).toEqual(clean);
    expect(attacks.map(({ broken }) => broken)).toEqual([0, 0, 0]);
  });

  it('draws a curve that starts at the clean accuracy and falls with eps', async () => {
    const { clean, epsCurve } = await measure({
      attacks: [pgd({ steps: 10 })],
      epsCurve: { points: [0, 0.05, 0.1, 0.2, 0.4, 1], count },
    });
    const robust = epsCurve!.points.map((point) => point.robust.correct);
    expect(robust[0]).toBe(clean.correct);
    // An attack of finite strength may miss an image at a larger radius: two images of noise.
    for (const [i, correct] of robust.entries())
      if (i > 0) expect(correct).toBeLessThanOrEqual(robust[i - 1]! + 2);
    expect(robust.at(-1)).toBeLessThan(clean.correct / 4);
  });

  it('keeps examples that are what they say', async () => {
    const { examples } = await measure({ examples: 4 });
    expect(examples).toHaveLength(4);
    for (const example of examples) {
      expect(example.cleanPrediction).toBe(example.label);
      expect(example.adversarialPrediction).not.toBe(example.label);
      const change = example.image.map((pixel, i) => Math.abs(pixel - example.adversarial[i]!));
      expect(Math.max(...change)).toBeLessThanOrEqual(0.15 + 1e-6);
      expect(example.gradient).toHaveLength(example.image.length);
      expect(example.gradient!.some((slope) => slope !== 0)).toBe(true);
    }
  });

  it('tells its progress in order, and the figures that it returns last', async () => {
    const events: EvaluateEvent[] = [];
    const { clean, attacks } = await measure({ batchSize: 40, onEvent: (event) => events.push(event) });
    const kinds = events.map((event) => ('name' in event ? `${event.type} ${event.name}` : event.type));
    expect([...new Set(kinds)]).toEqual([
      'clean',
      ...attacks.flatMap(({ name }) => [`attack ${name}`, `attack-end ${name}`]),
    ]);
    const counted = events.filter((event) => event.type === 'clean');
    expect(counted.map(({ done }) => done)).toEqual([40, 80, 90]);
    expect(counted.at(-1)).toMatchObject({ correct: clean.correct, count });
    const ends = events.filter((event) => event.type === 'attack-end');
    expect(ends.map(({ robust }) => robust)).toEqual(attacks.map(({ robust }) => robust.correct));
  });

  it('rejects with what its listener throws', async () => {
    const error = new Error('the listener broke');
    const run = measure({
      onEvent: () => {
        throw error;
      },
    });
    expect(await rejection(run)).toBe(error);
    expect(figures(await measure()).clean.count).toBe(count);
  });

  it('stops at a signal, with its reason', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const run = measure({
      attacks: [pgd({ steps: 100_000 })],
      signal: controller.signal,
      onEvent: ({ type }) => type === 'clean' && controller.abort(reason),
    });
    expect(await rejection(run)).toBe(reason);
  });

  it('shares a model with another evaluation', async () => {
    const [one, other] = await Promise.all([measure(), measure()]);
    expect(figures(one)).toEqual(figures(other));
  });

  it('keeps a model and a data set that are disposed of in mid-run', async () => {
    const path = join(disposed, 'model.safetensors');
    model.save(path);
    const [own, images] = [await loadModel(path), await tinyData(count, 'test')];
    const evaluation = await evaluate(own, images, {
      ...defaults,
      onEvent: () => {
        own.dispose();
        images.dispose();
      },
    });
    expect(figures(evaluation)).toEqual(figures(await measure()));
    expect(await rejection(evaluate(own, images, defaults))).toMatchObject({ code: 'ERR_OPTION' });
  });

  it('carries what warns of the images, which a training that validates on them tells, too', async () => {
    const warning = { code: 'W_SAME_SPLITS', message: 'Look.' };
    const source = await openArrays({ ...tinyImages(24, 2), shape: [1, 8, 8], classes: 3, split: 'test' });
    using images = await Dataset.from({
      ...source,
      warnings: [warning],
      [Symbol.asyncIterator]: () => source[Symbol.asyncIterator](),
    });
    const { warnings } = await evaluate(model, images, defaults);
    expect(warnings).toContainEqual(warning);
    using training = await tinyData(24);
    const { history, model: trained } = await train(tinyConfig({ epochs: 1, validate: { every: 1 } }), {
      data: training,
      validation: images,
    }).result;
    trained.dispose();
    expect(history[0]).toEqual({ type: 'warning', ...warning });
    expect(history[1]).toMatchObject({ type: 'start', validation: { split: 'test', count: 24 } });
  });

  it('refuses images of another shape', async () => {
    using other = await Dataset.from(
      await openArrays({ images: new Uint8Array(3 * 49), labels: [0, 1, 2], shape: [1, 7, 7], classes: 3 }),
    );
    expect(await rejection(evaluate(model, other, defaults))).toMatchObject({
      code: 'ERR_DATA',
      message:
        'Expected images of 1×8×8 (what the model was built for) but arrays holds 1×7×7. Evaluate on the data set that the model was trained for.',
    });
  });

  it('refuses a model that was disposed of', async () => {
    const images = await tinyData(8);
    const { model: gone } = await train(tinyConfig({ epochs: 1 }), { data: images }).result;
    gone.dispose();
    images.dispose();
    expect(await rejection(evaluate(gone, data, defaults))).toMatchObject({
      code: 'ERR_OPTION',
      message: 'Expected a model but it was disposed.',
    });
  });
});

/** All that is told of images, whole or in parts. */
function numbers(evaluation: Evaluation) {
  const { clean, robust, perClass, epsCurve, examples, warnings, data: set } = evaluation;
  // Sums of other batches round otherwise.
  const { margins: _, ...images } = evaluation.images;
  const attacks = evaluation.attacks.map(({ seconds: __, passes: ___, distances, ...attack }) => ({
    ...attack,
    distances: [...distances].sort(),
  }));
  return {
    clean,
    robust,
    perClass,
    epsCurve,
    images,
    examples,
    warnings,
    attacks,
    count: set.count,
  };
}

describe('in parts', () => {
  const options: EvaluateOptions = {
    threat: { norm: 'l2', eps: 0.8 },
    attacks: [pgd({ steps: 3, restarts: 2 }), { name: 'fab-t', steps: 3, targets: 2 }],
    epsCurve: { points: [0, 0.5], count: 40 },
    examples: 5,
    batchSize: 13,
  };
  const shard = (index: number, of = 3) => measure({ ...options, shard: `${index}/${of}` });

  it('gives the numbers of the whole, whatever the order of its shards', async () => {
    const whole = await measure(options);
    const parts = [await shard(3), await shard(1), await shard(2)];
    expect(parts.map(({ images, data: set }) => [images.first, set.count])).toEqual([
      [60, 30],
      [0, 30],
      [30, 30],
    ]);
    const merged = mergeEvaluations(parts);
    expect(numbers(merged)).toEqual(numbers(whole));
    expect(merged.images.margins).toEqual(
      whole.images.margins.map((margin) => margin && expect.closeTo(margin, 4)),
    );
    expect(whole.images.brokenBy.filter((by) => by === -1)).toHaveLength(whole.robust.correct);
  });

  it('refuses shards that are missing, doubled or of another evaluation', async () => {
    const [first, second, third] = [await shard(1), await shard(2), await shard(3)];
    expect(() => mergeEvaluations([])).toThrow('Expected at least one evaluation');
    const received = (parts: readonly Evaluation[]) => {
      try {
        return mergeEvaluations(parts).images.total;
      } catch (error) {
        return (error as Error).message;
      }
    };
    const missing = (images: string) =>
      `Expected parts with all 90 images but received none with images ${images}. Give every shard once.`;
    expect(received([first, third])).toBe(missing('30 to 59'));
    expect(received([second, third])).toBe(missing('0 to 29'));
    expect(received([second, first])).toBe(missing('60 to 89'));
    expect(received([second])).toBe(missing('0 to 29 and 60 to 89'));
    expect(received([third, first, second, first])).toBe(
      'Expected every image in one part but received image 0 in two parts. Give every shard once.',
    );
    for (const other of [{ seed: 1 }, { threat: { ...second.threat, eps: 1 } }, { attacks: [] }]) {
      expect(() => mergeEvaluations([first, { ...second, ...other }])).toThrow('parts of one evaluation');
    }
  });

  it.each(['0/3', '4/3', '1', 'a/b', '1/0', '-1/2'])('refuses the shard %s', async (text) => {
    expect(await rejection(measure({ shard: text }))).toMatchObject({
      code: 'ERR_OPTION',
      message: expect.stringContaining('evaluate.shard'),
    });
  });

  it('refuses more shards than images', async () => {
    expect(await rejection(measure({ shard: '1/91' }))).toMatchObject({ code: 'ERR_OPTION' });
  });
});

describe('resumed', () => {
  const folder = temporaryFolder();
  const partial = join(folder, 'evaluation.partial.jsonl');
  const options: EvaluateOptions = { saveEvery: 25, partial, epsCurve: { points: [0.1], count: 30 } };

  it('goes on after every part and gives the same numbers', async () => {
    const whole = numbers(await measure({ epsCurve: options.epsCurve! }));
    // Batches are other ones in parts, and what leaves them together with it: passes are those of the parts.
    const { passes } = await measure(options);
    for (let stopAfter = 1; stopAfter < 4; ++stopAfter) {
      const controller = new AbortController();
      const told: number[] = [];
      const onEvent = (event: EvaluateEvent) => {
        if (event.type !== 'part') return;
        told.push(event.done);
        if (told.length === stopAfter) controller.abort(new Error('killed'));
      };
      await rejection(measure({ ...options, signal: controller.signal, onEvent }));
      expect(told.at(-1)).toBe(25 * stopAfter);
      // A line that a crash cut short.
      appendFileSync(partial, '{"schema":"selfgrad.evalu');
      let attacked = 0;
      const resumed = await measure({
        ...options,
        onEvent: (event) => (attacked += event.type === 'attack' ? 1 : 0),
      });
      expect(numbers(resumed)).toEqual(whole);
      expect(resumed.passes).toEqual(passes);
      // Three attacks in each part that was left, one batch each.
      expect(attacked).toBe(3 * (4 - stopAfter));
      expect(existsSync(partial)).toBe(false);
    }
  });

  it('refuses the parts of another evaluation and leaves them', async () => {
    const controller = new AbortController();
    const onEvent = (event: EvaluateEvent) => {
      if (event.type === 'part') controller.abort(new Error('killed'));
    };
    await rejection(measure({ ...options, signal: controller.signal, onEvent }));
    const before = readFileSync(partial);
    for (const other of [{ seed: 7 }, { attacks: [fgsm()] }, { threat: { eps: 0.1 } }]) {
      expect(await rejection(measure({ ...options, ...other }))).toMatchObject({ code: 'ERR_CHECKPOINT' });
    }
    expect(readFileSync(partial)).toEqual(before);
    rmSync(partial);
  });

  it('says when the file cannot be written', async () => {
    expect(await rejection(measure({ partial: join(folder, 'none', 'x') }))).toMatchObject({
      code: 'ERR_WRITE',
    });
  });
});
