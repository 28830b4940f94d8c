/** The comparison in a minute: the method against PGD-10 at equal passes on the images that ship with the package. */
export const plan = {
  title: 'The comparison in small',
  base: {
    threat: { norm: 'linf', eps: 0.1 },
    train: { batchSize: 128, crop: 1, validate: { every: 0 } },
  },
  networks: { cnn: { architecture: 'small-cnn', width: 16 } },
  methods: {
    'self-gradient': { train: { strategy: 'self-gradient' } },
    'pgd-10': { train: { strategy: { name: 'pgd', steps: 10, alpha: 0.025 } } },
  },
  reference: 'pgd-10',
  budgets: [12],
  // Of 0.025, 0.05 and 0.1 the best for PGD-10, and of 0.05 and 0.1 the best for self-gradient training.
  rates: [0.1],
  seeds: [0],
  stages: [{ name: 'smoke' }],
  judge: {
    count: 500,
    attacks: {
      'PGD-20': [{ name: 'pgd', steps: 20, alpha: 0.025 }],
      'CW-20': [{ name: 'cw-linf', steps: 20, alpha: 0.025 }],
    },
    decides: 'CW-20',
  },
};
