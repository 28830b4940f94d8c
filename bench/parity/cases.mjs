/** What is compared: an entry of `evaluate.attacks`, and what a peer calls the same. Settings of the peers: peers.py. */

const l2 = { norm: 'l2', eps: '0.5' };
const l1 = { norm: 'l1', eps: '12' };

/**
 * `attacks` run as a cascade, and so do the peer's of the same names; the verdicts are compared after each.
 * The peers compute in float32, also where we do not. `images`: at most so many of the first ones, where an attack is dear.
 * `threat`: where it is not the run's.
 */
export const cases = {
  fgsm: { attacks: [{ name: 'fgsm' }], peers: ['torchattacks', 'foolbox'] },
  'pgd-20': {
    attacks: [{ name: 'pgd', steps: 20, randomStart: false }],
    peers: ['torchattacks', 'foolbox'],
  },
  'pgd-20-bfloat16': {
    attacks: [{ name: 'pgd', steps: 20, randomStart: false, precision: 'bfloat16' }],
    peers: ['torchattacks'],
  },
  'mi-fgsm': { attacks: [{ name: 'mi-fgsm' }], peers: ['torchattacks'] },
  deepfool: { attacks: [{ name: 'deepfool' }], peers: ['foolbox'] },
  'apgd-ce': { attacks: [{ name: 'apgd-ce' }], peers: ['autoattack'] },
  'apgd-ce-bfloat16': { attacks: [{ name: 'apgd-ce', precision: 'bfloat16' }], peers: ['autoattack'] },
  'fab-t': { attacks: [{ name: 'fab-t' }], peers: ['autoattack'], images: 100 },
  square: {
    attacks: [{ name: 'square', queries: 5000, schedule: 10_000 }],
    peers: ['autoattack'],
    images: 100,
  },
  'apgd-ce-l2': { attacks: [{ name: 'apgd-ce' }], threat: l2, peers: ['autoattack'], images: 200 },
  'apgd-t-l2': { attacks: [{ name: 'apgd-t' }], threat: l2, peers: ['autoattack'], images: 200 },
  'apgd-ce-l1': { attacks: [{ name: 'apgd-ce' }], threat: l1, peers: ['autoattack'], images: 200 },
  'apgd-t-l1': { attacks: [{ name: 'apgd-t' }], threat: l1, peers: ['autoattack'], images: 200 },
  standard: { attacks: [{ name: 'autoattack' }], peers: ['autoattack'] },
  plus: {
    attacks: [{ name: 'autoattack', version: 'plus' }],
    peers: ['autoattack'],
    images: 50,
  },
};
