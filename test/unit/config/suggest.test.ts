import { describe, expect, it } from 'vitest';
import { suggest } from '../../../src/config/suggest.ts';

describe('suggest', () => {
  it.each([
    ['stepz', ['steps', 'alpha'], 'steps'],
    ['setps', ['steps', 'alpha'], 'steps'],
    ['batch-size', ['batchSize', 'lr'], 'batchSize'],
    ['epsilon', ['norm', 'eps'], 'eps'],
    ['pdg', ['standard', 'pgd'], 'pgd'],
    ['quick', ['quickstart', 'cifar10-small'], 'quickstart'],
  ])('finds the word meant by %s', (word, candidates, expected) => {
    expect(suggest(word, candidates)).toBe(expected);
  });

  it('stays silent when nothing is near', () => {
    expect(suggest('banana', ['steps', 'alpha', 'eps'])).toBeUndefined();
    expect(suggest('x', ['y'])).toBeUndefined();
    expect(suggest('steps', [])).toBeUndefined();
  });

  it('prefers the nearest of several', () => {
    expect(suggest('trainCuont', ['testCount', 'trainCount', 'count'])).toBe('trainCount');
  });
});
