/** What is timed: an entry of `evaluate.attacks`, the peers that have the same attack, and our levers that it uses. */

/**
 * `levers`: what SELFGRAD_PLAIN turns off, one at a time; `bfloat16`: ours with its gradients in bfloat16 is timed too.
 * Settings of the peers: ../parity/peers.py.
 */
export const cases = {
  'pgd-20': {
    attack: { name: 'pgd', steps: 20, randomStart: false },
    threat: { norm: 'linf', eps: '8/255' },
    peers: ['torchattacks', 'foolbox'],
    levers: ['frozen-network', 'projected-step', 'block-cache'],
    bfloat16: true,
    images: 200,
  },
  'cw-l2, one search step': {
    attack: { name: 'cw-l2', steps: 50, binarySearchSteps: 1, initialC: 1 },
    threat: { norm: 'l2', eps: 0.5 },
    peers: ['torchattacks'],
    levers: ['frozen-network', 'block-cache'],
    images: 50,
  },
  'cw-l2, nine search steps': {
    attack: { name: 'cw-l2', steps: 50 },
    threat: { norm: 'l2', eps: 0.5 },
    peers: ['foolbox'],
    levers: ['frozen-network', 'block-cache'],
    images: 50,
  },
  standard: {
    attack: { name: 'autoattack' },
    threat: { norm: 'linf', eps: '8/255' },
    peers: ['autoattack'],
    levers: ['frozen-network', 'window-forward'],
    bfloat16: true,
    images: 40,
  },
};
