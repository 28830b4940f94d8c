/** From logits to classes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readLogits } from '../../src/prediction.ts';

const classes = ['cat', 'dog', 'owl'];

test('the largest logit is the class, its softmax the confidence', () => {
  const logits = Float32Array.of(0, Math.log(2), 0, 5, 5, 5);
  const { shape, predictions, logits: raw } = readLogits(logits, classes);
  expect(raw).toBe(logits);
  expect(shape).toEqual([2, 3]);
  expect(predictions[0]).toMatchObject({ label: 1, className: 'dog' });
  expect(predictions[0]!.confidence).toBeCloseTo(0.5, 6);
  expect(predictions[1]).toEqual({ label: 0, className: 'cat', confidence: 1 / 3 });
});

test('a confidence is a share that a shift of all logits does not change, however large they are', () => {
  const row = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(row, fc.integer({ min: -1000, max: 1000 }), (values, shift) => {
      const [first] = readLogits(Float32Array.from(values), classes).predictions;
      const [shifted] = readLogits(
        Float32Array.from(values, (value) => value + shift),
        classes,
      ).predictions;
      expect(first!.confidence).toBeGreaterThanOrEqual(1 / 3);
      expect(first!.confidence).toBeLessThanOrEqual(1);
      expect(shifted).toEqual(first);
    }),
  );
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses a logit of %d', (value) => {
  expect(() => readLogits(Float32Array.of(0, 0, 0, 1, value, 1), classes)).toThrow(
    `Expected finite logits but received ${value} for image 1. The weights are damaged or diverged in training: load another model.`,
  );
});
