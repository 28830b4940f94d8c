import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AdversarialExample } from '../../../src/evaluation.ts';
import { amplify, examples } from '../../../src/report/examples.ts';
import { evaluationFixture, example } from './fixture.ts';

describe('amplify', () => {
  test('draws no change as middle grey and the largest change as black or white', () => {
    const { pixels, factor } = amplify(example);
    expect(factor).toBe(5);
    expect(pixels.map((value) => Math.round(value * 100) / 100)).toEqual([1, 0, 0.5, 0]);
  });

  test('is not thrown off by four-decimal pixels', () => {
    expect(amplify({ image: [0.1], adversarial: [0.1314] }).factor).toBe(16);
    expect(amplify({ image: [0.1], adversarial: [0.2001] }).factor).toBe(5);
  });

  test('leaves an unchanged image grey', () => {
    expect(amplify({ image: [0, 1], adversarial: [0, 1] })).toEqual({ pixels: [0.5, 0.5], factor: 1 });
  });

  test('does not amplify a difference that stored pixels cannot show', () => {
    expect(amplify({ image: [0, 0], adversarial: [5e-324, 0] }).factor).toBe(1);
  });

  test('never clips more than the rounding of stored pixels', () => {
    const pixels = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(pixels, pixels, (image, adversarial) => {
        const amplified = amplify({ image, adversarial });
        return (
          amplified.factor >= 1 &&
          (amplified.factor === 1 || amplified.pixels.every((value) => Math.abs(value - 0.5) <= 0.506))
        );
      }),
    );
  });
});

describe('examples', () => {
  test('shows the true class, both predictions with confidence, the attack and the factor', () => {
    const { text } = examples(evaluationFixture());
    expect(text).toContain('image 7 · pgd');
    expect(text).toContain('<b class="right">cat</b><br>91 %');
    expect(text).toContain('<b class="wrong">dog</b><br>62 %');
    expect(text).toContain('difference<br>× 5');
    expect(text.match(/<img src="data:image\/png;base64,/g)).toHaveLength(4);
  });

  test('shows the gradient with its scale, in words as well', () => {
    const { text } = examples(evaluationFixture());
    expect(text).toContain('alt="map of the gradient at the original image, from −0.04 to 0.04"');
    expect(text).toContain('gradient<br>± 0.04');
    expect(text).not.toContain('class="lead"');
  });

  test.each([
    ['function', [null, null], 'There is no map of the gradient: the model gives none there'],
    ['gradient that is not finite', [null, example.gradient], 'Some have no map of the gradient'],
    ['older version', [undefined, undefined], 'of a version that did not keep them. Run selfgrad eval again'],
  ])('says why a map is missing: %s', (_, gradients, reason) => {
    const { gradient: __, ...bare } = example;
    const stored = gradients.map((gradient) => (gradient === undefined ? bare : { ...bare, gradient }));
    const { text } = examples(evaluationFixture({ examples: stored as AdversarialExample[] }));
    expect(text).toContain(reason);
    expect(text.match(/<img /g)).toHaveLength(3 * 2 + gradients.filter(Boolean).length);
  });

  test('names a class that has no name by its number', () => {
    const evaluation = evaluationFixture();
    evaluation.data.classes = ['cat'];
    expect(examples(evaluation).text).toContain('class 1');
  });
});
