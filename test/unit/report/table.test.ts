import { describe, expect, test } from 'vitest';
import { rate } from '../../../src/interval.ts';
import { renderTable } from '../../../src/report/table.ts';
import { evaluationFixture, suiteFixture } from './fixture.ts';

describe('renderTable', () => {
  test('aligns clean, attacks, worst case and warnings, with eps as it was written', () => {
    expect(renderTable(evaluationFixture())).toMatchInlineSnapshot(`
      "evaluate  small-cnn · cifar10 test 10 000 · linf 8/255 · cpu · seed 3
      clean     84.12 %  83.39 … 84.82 %
      pgd       52.40 %  51.42 … 53.38 %  3 172 broken    41.2 s  0.84 M fwd  0.84 M bwd
      cw-l2     52.31 %  51.33 … 53.29 %      9 broken  11.7 min  52 000 fwd              median distance 0.432
      robust    52.31 %  51.33 … 53.29 %   worst case over 2 attacks, 10 000 images
      warning   W_SQUARE  black box broke 9 examples that gradients missed (docs/errors.md#w_square)"
    `);
  });

  test('ends a suite with what its cascade left standing', () => {
    const lines = renderTable(evaluationFixture({ suites: [suiteFixture] })).split('\n');
    expect(lines.map((line) => line.split(/ {2,}/)[0])).toEqual([
      'evaluate',
      'clean',
      'pgd',
      'cw-l2',
      'autoattack',
      'robust',
      'warning',
    ]);
    expect(lines[4]).toMatch(/^autoattack {2}52\.31 % .* 3 181 broken .* standard, 2 attacks$/);
  });

  test('says image and attack in the singular, and no warning where there is none', () => {
    const { attacks } = evaluationFixture();
    const text = renderTable(
      evaluationFixture({ attacks: attacks.slice(0, 1), robust: rate(1, 1), warnings: [] }),
    );
    expect(text).toContain('worst case over 1 attack, 1 image');
    expect(text).not.toContain('warning');
  });

  test('names no robust accuracy when no attack was run', () => {
    expect(renderTable(evaluationFixture({ attacks: [] }))).not.toContain('robust');
  });

  test('keeps terminal control sequences and line ends of names out', () => {
    const text = renderTable(
      evaluationFixture({ warnings: [{ code: 'W_X', message: 'one\ntwo \u001b[31mred\u0007' }] }),
    );
    expect(text.split('\n').at(-1)).toBe('warning   W_X  one two  [31mred  (docs/errors.md#w_x)');
  });

  test("shows the radius of an attack that is not the threat model's", () => {
    const evaluation = evaluationFixture();
    evaluation.attacks[0]!.options = { norm: 'l2', eps: 0.5, steps: 20 };
    expect(renderTable(evaluation)).toContain('pgd l2 0.5');
  });

  test('names the class that an attack aims at', () => {
    const evaluation = evaluationFixture();
    const { norm, eps } = evaluation.threat;
    evaluation.attacks[0]!.options = { norm, eps, target: 3 };
    expect(renderTable(evaluation)).toContain('pgd target 3 ');
  });
});
