/** The model card: what it says, and what it admits. */
import { describe, expect, it } from 'vitest';
import type { Evaluation } from '../../../src/evaluation.ts';
import { rate } from '../../../src/interval.ts';
import type { ModelCard } from '../../../src/report/card.ts';
import { cardLimits } from '../../../src/report/cardLimits.ts';
import { renderCard } from '../../../src/report/cardMarkdown.ts';
import { evaluationFixture } from './fixture.ts';

const measured = evaluationFixture();
const sha256 = measured.model.sha256;

function cardFixture(evaluation: Evaluation | null = measured): ModelCard {
  const training = {
    strategy: 'self-gradient',
    threat: 'linf 8/255',
    data: { name: 'cifar10', sha256: 'ef56'.repeat(16) },
    epochs: 3,
    passes: { forward: 150_000, backward: 150_000 },
    seconds: 61,
    config: { seed: 3, threat: { norm: 'linf', eps: 8 / 255 } },
  };
  return {
    schema: 'selfgrad.card/1',
    model: {
      architecture: 'small-cnn',
      parameters: 12345,
      flops: 2_000_000,
      shape: [1, 2, 2],
      classes: ['cat', 'dog'],
      mean: [0.5],
      std: [0.25],
      sha256,
    },
    training,
    evaluation,
    intendedUse: ['Classifying images.'],
    limits: cardLimits({ evaluation, training, sha256 }),
    reproduce: { train: 'npx selfgrad train -c runs/a/config.json', evaluate: evaluation?.command ?? null },
    versions: { selfgrad: '0.1.0', libtorch: '2.11.0', node: '20.19.0' },
  };
}

function limitsOf(changes: Partial<Evaluation>, weights: string | null = sha256): string[] {
  const { training } = cardFixture();
  return cardLimits({ evaluation: evaluationFixture(changes), training, sha256: weights });
}

describe('limits', () => {
  const upper = 'The robust accuracy is an upper bound: these attacks failed, stronger ones may not.';
  const square = 'No attack without gradients (Square) was run, so gradient masking is not ruled out.';
  const few = 'Measured on only 100 images: mind the intervals.';

  it('always names the bound, the threat model and what the intervals cover', () => {
    expect(limitsOf({})).toEqual([
      upper,
      square,
      'It holds for L∞ ≤ 8/255 around images like those of cifar10. Larger changes, other norms, rotations, blur, patches, physical changes and images from elsewhere are not covered.',
      'Classes differ: robust accuracy is 50.6 % for “dog” and 54.0 % for “cat”.',
      'Data: JPEG copy.',
      'The intervals are for the draw of the test images; another training seed would give other figures.',
    ]);
  });

  it('says when the figures are of other weights, or when nobody knows', () => {
    expect(limitsOf({}, 'other')[0]).toBe(
      'The figures are of other weights (SHA-256 cd34cd34cd34…) and do not hold for these. Run selfgrad eval again.',
    );
    expect(limitsOf({}, null)[0]).toMatch(/^It is not recorded which weights were measured/);
  });

  it('says when there was no attack, or only a weak one', () => {
    expect(limitsOf({ attacks: [] })).toContain('No attack was run: nothing is known about robustness.');
    expect(limitsOf({ attacks: [] })).not.toContain(upper);
    const [attack] = measured.attacks;
    const only = (name: string) => limitsOf({ attacks: [{ ...attack!, name }] });
    expect(only('fgsm')).toContain('One-step attacks alone say little: run PGD or APGD.');
    expect(only('square')).not.toContain(square);
  });

  it('says when there were few images, training images, or another threat model', () => {
    expect(limitsOf({ data: { ...measured.data, count: 100 } })).toContain(few);
    expect(limitsOf({})).not.toContain(few);
    const { training } = cardFixture();
    expect(limitsOf({ data: { ...measured.data, sha256: training.data.sha256! } })).toContain(
      'The figures are of the images that it was trained on.',
    );
    expect(limitsOf({ threat: { norm: 'l2', eps: 0.5, epsText: '0.5' } })).toContain(
      'It was trained for linf 8/255 and measured for l2 0.5.',
    );
  });

  it('an unmeasured network is assumed not to be robust', () => {
    expect(cardFixture(null).limits).toEqual([
      'The network was not evaluated: assume that it is not robust.',
    ]);
  });
});

describe('renderCard', () => {
  it('opens with the figures, their intervals and their conditions', () => {
    expect(renderCard(cardFixture()).split('\n').slice(0, 5)).toEqual([
      '# small-cnn on `cifar10`',
      '',
      '> **Robust accuracy 52.31 %** (51.33 … 53.29 %), L∞ ≤ 8/255, worst case over 2 attacks  ',
      '> **Clean accuracy 84.12 %** (83.39 … 84.82 %)  ',
      '> 10 000 images of `cifar10`, test; 95 % intervals',
    ]);
  });

  it('holds attacks with options and passes, classes, curve, warnings, hashes and both commands', () => {
    const text = renderCard(cardFixture());
    for (const part of [
      '| `pgd`<br>steps 20, alpha 2/255, randomStart true, loss ce | **52.40 %** | 51.42 … 53.38 % | 3 172 | 0.84 M | 0.84 M |',
      '| **worst case** | **52.31 %** | 51.33 … 53.29 % | 3 181 | 0.90 M | 0.84 M |',
      '| `cat` | 86.00 % | 54.00 % | 5 000 |',
      '| 32/255 | **0.60 %** | 0.20 … 1.75 % |',
      '- `W_SQUARE` black box broke 9 examples that gradients missed',
      '| passes | 0.15 M forward, 0.15 M backward |',
      '  eps: 8/255',
      '```sh\nnpx selfgrad train -c runs/a/config.json\n```',
      '```sh\nselfgrad eval runs/a --seed 3\n```',
      measured.data.sha256,
      sha256!,
      'no pixel value changes by more than 8/255',
    ]) {
      expect(text).toContain(part);
    }
  });

  it('says that nothing is known where there is no evaluation, and leaves its parts out', () => {
    const text = renderCard(cardFixture(null));
    expect(text).toContain('> **Not evaluated.** Nothing is known about its accuracy or robustness.');
    expect(text).not.toMatch(/^## (Robustness|Threat model|Measurement)$/m);
    expect(text).not.toContain('null');
  });

  it('claims no robustness where no attack was run', () => {
    const text = renderCard(cardFixture(evaluationFixture({ attacks: [], epsCurve: null })));
    expect(text).not.toContain('Robust accuracy');
    expect(text).not.toContain('worst case**');
  });

  it('shows hostile class names as text, in one cell each', () => {
    const names = ['<img src=x onerror=alert(1)>', '](https://evil.example) | ` |\n# no'];
    const classes = [rate(1, 3), rate(2, 3)].map((one, label) => ({ label, clean: one, robust: one }));
    const card = cardFixture(
      evaluationFixture({ data: { ...measured.data, classes: names }, perClass: classes }),
    );
    const text = renderCard({ ...card, model: { ...card.model, classes: names } });
    expect(text).toContain('| `<img src=x onerror=alert(1)>` | 33.33 % | 33.33 % | 3 |');
    expect(text).toContain('| ``](https://evil.example) \\| ` \\| # no`` | 66.67 % | 66.67 % | 3 |');
    expect(text).not.toMatch(/^# no/m);
    const limits = text.slice(text.indexOf('## Limits'), text.indexOf('## Model'));
    expect(limits).toContain('“\\<img src=x onerror=alert(1)\\>”');
    expect(limits).toContain('“\\](https:\\/\\/evil.example) \\| \\` \\| \\# no”');
  });
});
