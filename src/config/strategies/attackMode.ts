/** Whether batch normalisation learns while a training attack runs: it shifts results by one to two points. */
import { choice } from '../option.ts';

/** `train`: batch statistics are used and updated in the attack's passes; `eval`: running statistics are. */
export type AttackMode = 'train' | 'eval';

/** @internal */
export function attackMode(defaultMode: AttackMode) {
  return choice(['train', 'eval'], {
    description: 'Mode of batch normalisation while the training attack runs.',
  }).prefault(defaultMode);
}
