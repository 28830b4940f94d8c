/** Values of the native options that an attack ignores: the native struct has all fields of all attacks. */
import type { NativeAttackOptions } from '../../native/measureBinding.ts';

export const unusedOptions = {
  steps: 1,
  restarts: 1,
  randomStart: false,
  loss: 'ce',
  confidence: 0,
  decay: 0,
  eot: 1,
  precision: 'float32',
  target: 'any',
  targetClass: 0,
  targets: 1,
  stopWithinEps: false,
  overshoot: 0,
  binarySearchSteps: 1,
  initialC: 1e-3,
  learningRate: 0.01,
  queries: 1,
  pInit: 0.8,
  schedule: 1,
  inner: '',
  source: null,
} as const satisfies Partial<NativeAttackOptions>;
