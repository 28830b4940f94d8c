/**
 * The comparison on CIFAR-10: what is trained, how long, how often, and who judges it. All methods share the network,
 * the activation, the schedule (annealed anew for each budget), the batch and the augmentation; `pgd-10-plain` is the
 * textbook's. Learning rates are searched for each method on one seed; the stages spend the time where it decides.
 */
const residual = { architecture: 'preact-resnet', depths: [1, 1, 1], activation: 'silu' };
const finalists = ['self-gradient', 'n-fgsm', 'atta', 'pgd-10', 'pgd-10-plain'];

export const plan = {
  title: 'The comparison',
  // Without random crops: at these budgets the networks underfit, and every method gains.
  base: {
    threat: { norm: 'linf', eps: '8/255' },
    train: { batchSize: 128, precision: 'bfloat16', crop: 0, validate: { every: 0 } },
  },
  networks: {
    small: { ...residual, width: 16 },
    wide: { ...residual, width: 64 },
  },
  methods: {
    // The recommended settings.
    'self-gradient': { train: { strategy: 'self-gradient' } },
    // Memory and one fresh attack step, no relay.
    'memory-1': { train: { strategy: { name: 'self-gradient', alpha: '5/255', steps: 1, relay: 1 } } },
    'pgd-10': { train: { strategy: { name: 'pgd', steps: 10, alpha: '2/255' } } },
    // A quarter of the batch: four times the steps, of which PGD-10 has few at these budgets.
    'pgd-10-batch-32': { train: { batchSize: 32, strategy: { name: 'pgd', steps: 10, alpha: '2/255' } } },
    // Fewer attack steps buy more epochs of the same budget.
    'pgd-5': { train: { strategy: { name: 'pgd', steps: 5, alpha: '2.5/255' } } },
    'pgd-2': { train: { strategy: { name: 'pgd', steps: 2, alpha: '5/255' } } },
    'fgsm-rs': { train: { strategy: 'fgsm-rs' } },
    'n-fgsm': { train: { strategy: 'n-fgsm' } },
    free: { train: { strategy: 'free' } },
    gradalign: { train: { strategy: 'gradalign' } },
    atta: { train: { strategy: 'atta' } },
    trades: { train: { strategy: 'trades' } },
    mart: { train: { strategy: 'mart' } },
    'pgd-10-plain': {
      model: { activation: 'relu' },
      train: {
        strategy: { name: 'pgd', steps: 10, alpha: '2/255' },
        schedule: { name: 'step', milestones: [0.5, 0.75], factor: 0.1 },
        nesterov: false,
        crop: 4,
      },
    },
  },
  /** What the differences are taken to. */
  reference: 'pgd-10',
  budgets: [6, 12, 24, 48, 110],
  rates: [0.1, 0.2, 0.4],
  seeds: [0, 1, 2],
  /**
   * In this order. `rates`: a list of the stage's own, or 'best', for each method the best of those measured at the
   * nearest budget.
   */
  stages: [
    { name: 'screen', networks: ['small'], budgets: [12], seeds: [0] },
    { name: 'confirm', networks: ['small'], budgets: [12], rates: 'best' },
    { name: 'curve', networks: ['small'], methods: finalists, rates: 'best' },
    { name: 'wide-screen', networks: ['wide'], methods: finalists, budgets: [12], seeds: [0] },
    { name: 'wide-curve', networks: ['wide'], methods: finalists, rates: 'best' },
  ],
  judge: {
    /** The first images of the test split. */
    count: 2000,
    attacks: {
      'PGD-20': [{ name: 'pgd', steps: 20, alpha: '2/255' }],
      'CW-20': [{ name: 'cw-linf', steps: 20, alpha: '2/255' }],
      // A cascade: APGD-T sees only what APGD-CE left standing.
      APGD: [
        { name: 'apgd-ce', steps: 100 },
        { name: 'apgd-t', steps: 100, targets: 9 },
      ],
    },
    /**
     * The attack by which learning rates are chosen and which the pictures show: the strongest of the cheap ones. APGD
     * takes as long as a training run.
     */
    decides: 'CW-20',
  },
};
