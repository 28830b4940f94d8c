/** What is measured: networks as the presets have them, cases, and how many steps a measurement takes. */
import { resolveConfig } from '../../dist/config/resolve.js';

export const contenders = ['selfgrad', 'eager', 'compile'];

function network(preset, model = {}) {
  const { config } = resolveConfig([{ origin: preset, values: { preset, model } }]);
  const { crop, flip } = config.train;
  const { architecture, depths, width, activation } = config.model;
  return { model: { architecture, depths, width, activation }, crop, flip };
}

export const networks = {
  small: network('cifar10-small'),
  middle: network('cifar10-small', { width: 64 }),
  resnet18: network('cifar10-resnet18'),
};

/**
 * `images`: new images a step; a step of self-gradient training computes on as many again, which are in flight.
 * `equalPasses`: what the row is called that compares passes, where the contenders take different numbers of them.
 * `precisions`: an evaluation is in float32, always. `steps`: a few seconds each where that is possible.
 */
export const cases = {
  standard: {
    title: 'standard',
    images: 128,
    precisions: ['float32', 'bfloat16'],
    steps: { small: 32, middle: 6, resnet18: 2 },
  },
  'pgd-10': {
    title: 'PGD-10',
    images: 128,
    precisions: ['float32', 'bfloat16'],
    steps: { small: 4, middle: 1, resnet18: 1 },
  },
  'self-gradient': {
    title: 'self-gradient',
    images: 64,
    precisions: ['float32', 'bfloat16'],
    // At least 2: in the first, none is in flight yet.
    steps: { small: 32, middle: 6, resnet18: 2 },
  },
  'pgd-20-evaluation': {
    title: 'PGD-20 evaluation',
    equalPasses: 'PGD-20, equal passes',
    images: 128,
    precisions: ['float32'],
    steps: { small: 2, middle: 1, resnet18: 1 },
  },
};

/** The measurements that were asked for, in this order. */
export function plan({ networks: networkNames, cases: caseNames, precisions, steps }) {
  return networkNames.flatMap((network) =>
    caseNames.flatMap((name) =>
      cases[name].precisions
        .filter((precision) => precisions.includes(precision))
        .map((precision) => ({ network, case: name, precision, steps: steps ?? cases[name].steps[network] })),
    ),
  );
}
