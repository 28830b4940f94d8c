/** A small synthetic evaluation and training history with every part present; numbers are made up. */
import type { AdversarialExample, Evaluation, SuiteResult } from '../../../src/evaluation.ts';
import type { TrainEvent } from '../../../src/events.ts';
import { rate } from '../../../src/interval.ts';

/** An image of 1×2×2 pixels in [0, 1], what an attack with eps 0.1 made of it, and the gradient there. */
export const example: AdversarialExample = {
  index: 7,
  label: 0,
  cleanPrediction: 0,
  adversarialPrediction: 1,
  cleanConfidence: 0.91,
  adversarialConfidence: 0.62,
  attack: 'pgd',
  image: [0, 0.2, 0.4, 1],
  adversarial: [0.1, 0.1, 0.4, 0.9],
  gradient: [0.04, -0.02, 0, -0.01],
};

/** Two classes, two attacks, an eps curve of three points, one example, one warning. */
export function evaluationFixture(changes: Partial<Evaluation> = {}): Evaluation {
  return {
    schema: 'selfgrad.evaluation/2',
    createdAt: '2026-01-02T03:04:05Z',
    model: {
      architecture: 'small-cnn',
      parameters: 12345,
      path: 'runs/a/model.safetensors',
      strategy: 'self-gradient',
      sha256: 'cd34'.repeat(16),
    },
    data: {
      name: 'cifar10',
      split: 'test',
      count: 10_000,
      classes: ['cat', 'dog'],
      shape: [1, 2, 2],
      sha256: 'ab12'.repeat(16),
      note: 'JPEG copy',
    },
    threat: { norm: 'linf', eps: 8 / 255, epsText: '8/255' },
    seed: 3,
    device: 'cpu',
    versions: { selfgrad: '0.1.0', libtorch: '2.11.0', node: '20.19.0' },
    machine: { cpu: 'Example CPU', cores: 2, threads: 1 },
    clean: rate(8412, 10_000),
    attacks: [
      {
        name: 'pgd',
        options: { steps: 20, alpha: 2 / 255, randomStart: true, loss: 'ce' },
        robust: rate(5240, 10_000),
        attacked: 8412,
        broken: 3172,
        passes: { forward: 840_000, backward: 838_000 },
        seconds: 41.23,
        medianDistance: null,
        distances: [],
      },
      {
        name: 'cw-l2',
        options: { steps: 1000, initialC: 0.001 },
        robust: rate(5231, 10_000),
        attacked: 5240,
        broken: 9,
        passes: { forward: 52_000, backward: 0 },
        seconds: 700,
        medianDistance: 0.4321,
        distances: [0.3, 0.4321, 0.5],
      },
    ],
    suites: [],
    robust: rate(5231, 10_000),
    passes: { forward: 902_000, backward: 838_000 },
    seconds: 741.23,
    perClass: [
      { label: 0, clean: rate(4300, 5000), robust: rate(2700, 5000) },
      { label: 1, clean: rate(4112, 5000), robust: rate(2531, 5000) },
    ],
    epsCurve: {
      attack: 'pgd',
      count: 500,
      points: [
        { eps: 0, epsText: '0', robust: rate(420, 500) },
        { eps: 8 / 255, epsText: '8/255', robust: rate(262, 500) },
        { eps: 32 / 255, epsText: '32/255', robust: rate(3, 500) },
      ],
    },
    examples: [example],
    images: {
      first: 0,
      total: 3,
      predictions: [0, 1, 0],
      brokenBy: [-1, -2, 0],
      steps: [null, null, 4],
      margins: [null, null, -0.25],
    },
    warnings: [{ code: 'W_SQUARE', message: 'black box broke 9 examples that gradients missed' }],
    command: 'selfgrad eval runs/a --seed 3',
    ...changes,
  };
}

/** The two attacks of the fixture as a cascade under one name. */
export const suiteFixture: SuiteResult = {
  name: 'autoattack',
  options: { version: 'standard', norm: 'linf', eps: 8 / 255 },
  attacks: [0, 1],
  robust: rate(5231, 10_000),
  attacked: 8412,
  broken: 3181,
  passes: { forward: 892_000, backward: 838_000 },
  seconds: 741.23,
};

/** A run of `epochs` epochs with four steps each; every step costs 100 forward and 100 backward passes. */
export function historyFixture(epochs: number): TrainEvent[] {
  const stepsPerEpoch = 4;
  const steps = epochs * stepsPerEpoch;
  const events: TrainEvent[] = [
    {
      type: 'start',
      steps,
      stepsPerEpoch,
      parameters: 12345,
      resumedAtStep: 0,
      strategy: 'self-gradient',
      validation: null,
    },
  ];
  for (let step = 1; step <= steps; step++) {
    const epoch = Math.ceil(step / stepsPerEpoch);
    const passes = { forward: step * 100, backward: step * 100 };
    const common = { step, epoch, passes, seconds: step, lr: 0.1, loss: 2 / step };
    events.push({ type: 'step', ...common, steps, imagesPerSecond: 100 });
    if (step % stepsPerEpoch > 0) continue;
    events.push({ type: 'epoch', ...common, accuracy: 0.5 });
    const validation = { forward: 9, backward: 9 };
    events.push({
      type: 'eval',
      epoch,
      step,
      clean: rate(70, 100),
      robust: rate(40, 100),
      passes: validation,
      seconds: 1,
    });
  }
  return events;
}
