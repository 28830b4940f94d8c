/** What a reader of an evaluation must know before believing it. */
import { formatEps } from '../config/fraction.ts';
import type { Threat } from '../config/threat.ts';
import type { Rate, Warning } from '../evaluation.ts';

/** @param trained the threat model of training, e.g. `linf 8/255`; undefined when it is not known */
export function threatWarning(trained: string | undefined, threat: Threat): Warning[] {
  const tested = `${threat.norm} ${formatEps(threat.eps)}`;
  if (trained === undefined || trained === tested) return [];
  return [
    {
      code: 'W_THREAT',
      message: `The model was trained against ${trained} and is evaluated against ${tested}.`,
    },
  ];
}

export function chanceWarning(clean: Rate, classes: number): Warning[] {
  const chance = 1 / classes;
  if (clean.rate >= 1.5 * chance) return [];
  return [
    {
      code: 'W_CHANCE',
      message: `Clean accuracy is near chance (${(100 * chance).toFixed(0)} %): robust accuracy means little here.`,
    },
  ];
}
