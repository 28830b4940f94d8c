/** The record for RobustBench: its figures are AutoAttack's, or there is none. */
import { describe, expect, it } from 'vitest';
import type { SuiteResult } from '../../../src/evaluation.ts';
import { rate } from '../../../src/interval.ts';
import { robustBenchRecord } from '../../../src/report/robustBench.ts';
import { evaluationFixture } from './fixture.ts';

const base = evaluationFixture();
const { medianDistance: _, distances: __, ...counts } = base.attacks[0]!;

function autoattack(changes: SuiteResult['options'] = {}): SuiteResult {
  return {
    ...counts,
    name: 'autoattack',
    options: { version: 'standard', norm: 'linf', eps: 8 / 255, ...changes },
    attacks: [0, 1],
    robust: rate(4567, 10_000),
  };
}

describe('robustBenchRecord', () => {
  it('has the fields of a model_info file', () => {
    expect(robustBenchRecord(evaluationFixture({ suites: [autoattack()], warnings: [] }))).toEqual({
      link: '',
      name: 'self-gradient',
      authors: '',
      additional_data: null,
      number_forward_passes: 1,
      dataset: 'cifar10',
      venue: '',
      architecture: 'small-cnn',
      eps: '8/255',
      clean_acc: '84.12',
      reported: '45.67',
      autoattack_acc: '45.67',
      footnote: 'JPEG copy Measured with selfgrad 0.1.0.',
      unreliable: false,
    });
  });

  it('says when the figure is of few images, or AutoAttack doubts it', () => {
    const few = evaluationFixture({ suites: [autoattack()], clean: rate(400, 500) });
    expect(robustBenchRecord(few)).toMatchObject({
      unreliable: true,
      footnote: expect.stringContaining('500 images only.'),
    });
  });

  it.each([
    ['no AutoAttack', []],
    ['another version', [autoattack({ version: 'rand' })]],
    ['another radius', [autoattack({ eps: 4 / 255 })]],
    ['another norm', [autoattack({ norm: 'l2' })]],
  ])('refuses an evaluation with %s', (_name, suites) => {
    expect(() => robustBenchRecord(evaluationFixture({ suites }))).toThrow(
      'Expected an evaluation by AutoAttack standard',
    );
  });
});
