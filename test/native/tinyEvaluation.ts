/** A tiny network, trained once a test file, and an evaluation in which some images of every class stand and some fall. */
import { afterAll, beforeAll } from 'vitest';
import {
  type Dataset,
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  fgsm,
  type Model,
  pgd,
  train,
} from '../../src/index.ts';
import { tinyConfig, tinyData } from './tiny.ts';

export const count = 90;
export let model: Model;
export let data: Dataset;
beforeAll(async () => {
  const images = await tinyData(96);
  ({ model } = await train(tinyConfig({ epochs: 3 }), { data: images }).result);
  images.dispose();
  data = await tinyData(count, 'test');
});
afterAll(() => {
  model.dispose();
  data.dispose();
});

export const defaults: EvaluateOptions = {
  threads: 1,
  threat: { eps: 0.15 },
  attacks: [fgsm(), pgd({ steps: 5 }), { name: 'cw-linf', steps: 5 }],
};
export const measure = (options: EvaluateOptions = {}) => evaluate(model, data, { ...defaults, ...options });

/** What may not depend on the clock or on batches. */
export function figures({ clean, robust, attacks, perClass }: Evaluation) {
  return {
    clean,
    robust,
    perClass,
    attacks: attacks.map((attack) => [attack.robust.correct, attack.broken]),
  };
}
