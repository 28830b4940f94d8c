/** What an analysis is about: that model and data fit each other, and their records in its result. */
import type { Dataset } from './data/dataset.ts';
import { SelfgradError } from './errors.ts';
import type { Evaluation } from './evaluation.ts';
import type { Model } from './model.ts';

/** @throws SelfgradError `ERR_DATA` when the data do not have the model's shape and classes */
export function checkFit(model: Model, data: Dataset): void {
  const { channels, height, width, classes } = model.options;
  const wanted = [channels, height, width];
  if (wanted.some((size, i) => size !== data.shape[i])) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected images of ${wanted.join('×')} (what the model was built for) but ${data.name} holds ${data.shape.join('×')}.`,
      { fix: 'Evaluate on the data set that the model was trained for.' },
    );
  }
  if (classes !== data.classes.length) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected ${classes} classes (the width of the model's logits) but ${data.name} has ${data.classes.length}.`,
      { fix: 'Evaluate on the data set that the model was trained for.' },
    );
  }
}

export function modelRecord(model: Model): Evaluation['model'] {
  return {
    architecture: model.options.architecture,
    parameters: model.parameterCount,
    path: model.path,
    strategy: model.metadata.strategy ?? null,
  };
}

/** @param count the first images of the set, which were looked at */
export function dataRecord(data: Dataset, count: number): Evaluation['data'] {
  return {
    name: data.name,
    split: data.split,
    count,
    classes: [...data.classes],
    shape: [...data.shape],
    sha256: data.sha256,
    note: data.note,
  };
}
