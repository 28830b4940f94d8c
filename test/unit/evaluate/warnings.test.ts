/** What the counts of an evaluation warn of. */
import { expect, it } from 'vitest';
import { countWarnings } from '../../../src/evaluate/warnings.ts';
import type { AttackResult } from '../../../src/evaluation.ts';
import { rate } from '../../../src/interval.ts';
import { evaluationFixture } from '../report/fixture.ts';

const [model] = evaluationFixture().attacks;

/** AutoAttack on `count` images, of which Square breaks `broken`; in the order of its parts. */
function codes(order: readonly string[], broken: number, count: number): string[] {
  const attacks = order.map(
    (name): AttackResult => ({ ...model!, name, broken: name === 'square' ? broken : 0 }),
  );
  const suite = { ...model!, name: 'autoattack', attacks: order.map((_, i) => i) };
  return countWarnings({ clean: rate(count, count), attacks, suites: [suite] }, 10).map(({ code }) => code);
}

const standard = ['apgd-ce', 'apgd-t', 'fab-t', 'square'];

it('warns when Square breaks more than 0.2 points after attacks with gradients', () => {
  expect(codes(standard, 2, 1000)).toEqual([]);
  expect(codes(standard, 3, 1000)).toEqual(['W_SQUARE']);
});

it('takes no single image for a sign', () => {
  expect(codes(standard, 1, 100)).toEqual([]);
  expect(codes(standard, 2, 100)).toEqual(['W_SQUARE']);
});

it('says nothing of a Square that comes first', () => {
  expect(codes(['square', 'apgd-ce'], 50, 100)).toEqual([]);
});

it('warns near chance, of the classes that there are', () => {
  const of = (correct: number) =>
    countWarnings({ clean: rate(correct, 100), attacks: [], suites: [] }, 10).map(({ code }) => code);
  expect(of(14)).toEqual(['W_CHANCE']);
  expect(of(16)).toEqual([]);
});
