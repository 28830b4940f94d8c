/** Checks for masking: each is raised by what it is there for, and by nothing short of it. */
import { describe, expect, it } from 'vitest';
import { rate } from '../../src/interval.ts';
import {
  attackOrder,
  epsCurveFalls,
  type MaskingRates,
  moreRestarts,
  moreSteps,
  singleStep,
  squareGain,
  unbounded,
} from '../../src/masking/attacks.ts';
import { gradientError, zeroGradient } from '../../src/masking/gradients.ts';
import { batchNeighbours, probabilities, randomisedOutputs } from '../../src/masking/outputs.ts';

const of = (correct: number) => rate(correct, 200);
/** A network whose attacks keep every order. */
const sound: MaskingRates = {
  fgsm: of(100),
  pgd: of(90),
  moreSteps: of(88),
  moreRestarts: of(87),
  random: of(150),
  square: of(95),
  whiteBox: of(80),
  afterSquare: of(80),
};
const raisedBy = (change: Partial<MaskingRates>) => {
  const rates = { ...sound, ...change };
  return [singleStep(rates), moreSteps(rates, 20), moreRestarts(rates), attackOrder(rates), squareGain(rates)]
    .filter(({ raised }) => raised)
    .map(({ name }) => name);
};

describe('orders of attacks', () => {
  it('are silent about a sound network', () => expect(raisedBy({})).toEqual([]));
  it('notice a single step that breaks more than many', () => {
    expect(raisedBy({ fgsm: of(88) })).toEqual([]);
    expect(raisedBy({ fgsm: of(87) })).toEqual(['single-step']);
  });
  it('notice attacks that have not converged', () => {
    expect(raisedBy({ moreSteps: of(86), moreRestarts: of(86) })).toEqual([]);
    expect(raisedBy({ moreSteps: of(85) })).toEqual(['steps']);
    expect(raisedBy({ moreRestarts: of(85) })).toEqual(['restarts']);
  });
  it('notice noise or a black box that breaks more than who knows more', () => {
    expect(raisedBy({ random: of(92) })).toEqual(['attack-order']);
    expect(raisedBy({ square: of(77) })).toEqual(['attack-order']);
  });
  it('notice what Square breaks after APGD, but no single image', () => {
    expect(raisedBy({ afterSquare: of(79) })).toEqual([]);
    expect(raisedBy({ afterSquare: of(78) })).toEqual(['square-gain']);
  });
  it('notice robust accuracy that rises with eps or outlives any ball', () => {
    const radii = [0.01, 0.02, 0.04];
    expect(epsCurveFalls(radii, [of(90), of(50), of(52)]).raised).toBe(false);
    expect(epsCurveFalls(radii, [of(90), of(50), of(53)])).toMatchObject({
      raised: true,
      figures: { rise: 0.015, last: 0.265 },
    });
    expect(unbounded(of(20), 10).raised).toBe(false);
    expect(unbounded(of(21), 10).raised).toBe(true);
  });
});

describe('outputs', () => {
  const logits = Float32Array.of(3, -1, 0.5, 2, 4, 1);
  it('may differ by rounding and no more', () => {
    const near = logits.map((z) => z + 1e-6);
    const far = logits.map((z, i) => (i === 5 ? z + 0.1 : z));
    expect(randomisedOutputs(logits, near).raised).toBe(false);
    expect(randomisedOutputs(logits, far).raised).toBe(true);
    expect(batchNeighbours(logits, near.subarray(0, 3)).raised).toBe(false);
    expect(batchNeighbours(logits, far).raised).toBe(true);
    expect(batchNeighbours(logits, far.subarray(0, 3)).raised).toBe(false);
  });
  it('are probabilities when rows are non-negative and sum to one', () => {
    expect(probabilities(Float32Array.of(0.2, 0.3, 0.5, 1, 0, 0), 3).raised).toBe(true);
    expect(probabilities(Float32Array.of(0.2, 0.3, 0.6, 1, 0, 0), 3).raised).toBe(false);
    expect(probabilities(Float32Array.of(-0.2, 0.7, 0.5, 1, 0, 0), 3).raised).toBe(false);
  });
});

describe('gradients', () => {
  it('may vanish for one image of a hundred', () => {
    const norms = Array.from({ length: 100 }, (_, i) => (i === 0 ? 0 : 1));
    expect(zeroGradient(norms).raised).toBe(false);
    expect(zeroGradient([...norms, 0, 0]).raised).toBe(true);
  });
  it('must say what the network does', () => {
    const right = Array.from({ length: 100 }, () => 0.001);
    expect(gradientError(right).raised).toBe(false);
    expect(gradientError([...right, ...Array.from({ length: 6 }, () => null)]).raised).toBe(true);
    expect(gradientError(right.map(() => 0.2)).raised).toBe(true);
    expect(gradientError([null, null])).toMatchObject({ raised: true, figures: { wrong: 1 } });
  });
});
