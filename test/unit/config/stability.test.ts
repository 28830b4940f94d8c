import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.ts';
import type { StabilityInput } from '../../../src/config/stability.ts';
import { refusal } from './refusal.ts';

const resolve = (stability: unknown) =>
  resolveConfig([{ origin: 'test', values: { stability: stability as StabilityInput } }]).config.stability;

describe('options of the stability analysis', () => {
  it('have defaults', () => {
    expect(resolve({})).toEqual({
      count: 500,
      batchSize: 100,
      steps: 10,
      alpha: null,
      iterations: 20,
      randomPoints: 4,
      multiples: [0, 0.25, 0.5, 0.75, 1, 1.5, 2],
      certify: { count: 100, bisections: 10, refine: 512 },
    });
  });

  it('take fractions, and null where that means something', () => {
    expect(resolve({ alpha: '1/255', count: null, certify: null })).toMatchObject({
      alpha: 1 / 255,
      count: null,
      certify: null,
    });
    expect(resolve({ certify: { refine: 0 } }).certify).toEqual({ count: 100, bisections: 10, refine: 0 });
  });

  it.each<[unknown, string]>([
    [
      { multiples: [1, 0.5] },
      'Expected a list of ascending multiples for stability.multiples but received [1,0.5] (array).',
    ],
    [{ steps: 0 }, 'Expected an integer >= 1 for stability.steps but received 0 (number).'],
    [{ certify: { bisections: 41 } }, 'Expected an integer in [0, 40] for stability.certify.bisections'],
    [{ iteration: 3 }, 'Unknown option stability.iteration. Did you mean stability.iterations?'],
  ])('refuse %j', (stability, sentence) => {
    expect(refusal(() => resolve(stability))).toContain(sentence);
  });
});
