/** Radius and norm of an attack: its own, or the threat model's. */
import { SelfgradError } from '../../errors.ts';
import { fraction } from '../fraction.ts';
import { choice, sentence } from '../option.ts';
import { type Norm, norms, pixelFix, refuseL1, type Threat } from '../threat.ts';

/** @internal */
export const attackEps = fraction({
  description: "Radius of the attack, pixels in [0, 1]; null stands for the threat model's.",
  gte: 0,
  fix: pixelFix,
})
  .nullable()
  .prefault(null);

/** @internal */
export const attackNorm = choice(norms, {
  description: "Norm of the attack; null stands for the threat model's.",
})
  .nullable()
  .prefault(null);

/**
 * The radius in pixel units at which an attack with `norm` runs.
 *
 * @throws SelfgradError `ERR_OPTION` when an Linf radius exceeds 1, or the norms differ and none is given
 */
export function attackBudget(eps: number | null, norm: Norm, threat: Threat, path: string): number {
  if (eps === null) {
    if (norm === threat.norm) return threat.eps;
    throw new SelfgradError('ERR_OPTION', sentence(`a number (an ${norm} radius)`, `${path}.eps`, null), {
      fix: `The threat model is ${threat.norm}: give this attack its own radius, or choose an ${threat.norm} attack.`,
    });
  }
  if (norm === 'linf' && eps > 1) {
    throw new SelfgradError('ERR_OPTION', sentence('a number in [0, 1]', `${path}.eps`, eps), {
      fix: pixelFix(eps),
    });
  }
  return eps;
}

/**
 * Norm and radius at which an attack that works in either norm runs: its own ones, or the threat model's.
 *
 * @throws SelfgradError as `attackBudget`; `ERR_OPTION` in L1 for an attack that is not APGD
 */
export function attackBall(
  attack: { name: string; norm: Norm | null; eps: number | null },
  threat: Threat,
  path: string,
): { norm: Norm; eps: number } {
  const norm = attack.norm ?? threat.norm;
  if (!attack.name.startsWith('apgd')) refuseL1(norm, `${attack.name} (${path})`);
  return { norm, eps: attackBudget(attack.eps, norm, threat, path) };
}
