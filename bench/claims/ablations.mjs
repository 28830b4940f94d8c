/**
 * What each ingredient of `self-gradient` is worth: the defaults with one thing changed, on the comparison's small
 * network, at 12 passes and the defaults' learning rate, one seed; what looks like a gain gets two more. Beside them
 * what decides how many passes pay: none of its own, noise added to the start, batches, step sizes.
 */
import { plan as comparison } from './plan.mjs';

const changed = (options) => ({ train: { strategy: { name: 'self-gradient', ...options } } });

export const plan = {
  ...comparison,
  title: 'Ablations of self-gradient',
  // One budget and many lines: the table says it better.
  pictures: false,
  networks: { small: comparison.networks.small },
  methods: {
    defaults: changed({}),
    'memory-none': changed({ memory: 'none' }),
    'memory-class': changed({ memory: 'class' }),
    'memory-universal': changed({ memory: 'universal' }),
    'relay-1-step-1': changed({ relay: 1, steps: 1 }),
    'relay-1-step-0': changed({ relay: 1 }),
    'relay-3': changed({ relay: 3 }),
    'fresh-weight-1': changed({ freshWeight: 1 }),
    'fresh-weight-0.1': changed({ freshWeight: 0.1 }),
    'momentum-0.5': changed({ momentum: 0.5 }),
    'consistency-1': changed({ consistency: 1 }),
    'step-1': changed({ steps: 1 }),
    // A feature tap needs an attack pass of its own: compare with `step-1`.
    'step-1-features-0.01': {
      model: { taps: ['input', 'stage1'] },
      ...changed({ steps: 1, features: [{ place: 'stage1', rho: 0.01 }] }),
    },
    'adaptive-step': changed({ adaptiveStep: true }),
    'refresh-0.5': changed({ refresh: 0.5 }),
    alarm: changed({ alarm: true }),
    'noise-0.5': changed({ noise: 0.5 }),
    'noise-1': changed({ noise: 1 }),
    'alpha-5': changed({ alpha: '5/255' }),
    'alpha-12': changed({ alpha: '12/255' }),
    'batch-64': { train: { batchSize: 64, ...changed({}).train } },
    'batch-256': { train: { batchSize: 256, ...changed({}).train } },
  },
  reference: 'defaults',
  budgets: [12],
  rates: [0.2],
  stages: [{ name: 'screen', seeds: [0] }, { name: 'confirm' }],
};
