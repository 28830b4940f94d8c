/** Weights of classes, as training is given them. */
import { expect, test } from 'vitest';
import { resolveConfig } from '../../src/config/resolve.ts';
import { classWeights } from '../../src/train.ts';

const data = { classes: ['cat', 'dog', 'eel'], classCounts: [6, 3, 1], count: 10 };

test('balanced is n / (k count), so that each class weighs the same in sum', () => {
  const weights = classWeights('balanced', data);
  expect(weights).toEqual([10 / 18, 10 / 9, 10 / 3]);
  for (const [i, weight] of weights.entries()) expect(weight * data.classCounts[i]!).toBeCloseTo(10 / 3, 12);
});

test('a list is taken as it is, and null weighs nothing', () => {
  expect(classWeights([1, 2, 3], data)).toEqual([1, 2, 3]);
  expect(classWeights(null, data)).toEqual([]);
});

test('a list of another length, and a class without images, are refused', () => {
  expect(() => classWeights([1, 2], data)).toThrow(
    'Expected 3 numbers (one a class) for train.classWeights but received [1,2] (array).',
  );
  expect(() => classWeights('balanced', { ...data, classCounts: [6, 4, 0] })).toThrow('but eel has none');
});

test.each<[unknown, string]>([
  [[1, 0], 'Expected a number > 0 for train.classWeights[1] but received 0 (number).'],
  ['balance', 'for train.classWeights but received'],
  [[1], 'Expected a list of numbers > 0 for train.classWeights'],
])('%j is no choice', (given, sentence) => {
  const layer = { origin: 'test', values: { train: { classWeights: given } } };
  expect(() => resolveConfig([layer])).toThrow(sentence);
});
