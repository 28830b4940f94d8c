/** What a list of attacks under one name, run as a cascade, comes to as a whole. */
import { attacksOf, type ListedAttack } from '../config/attacks/attack.ts';
import type { AttackResult, SuiteResult } from '../evaluation.ts';
import { sumPasses, total } from './sums.ts';

function suite(name: string, version: string, parts: readonly AttackResult[], first: number): SuiteResult {
  const { options, attacked } = parts[0]!;
  return {
    name,
    options: { version, precision: options.precision!, norm: options.norm!, eps: options.eps! },
    attacks: parts.map((_, i) => first + i),
    robust: parts.at(-1)!.robust,
    attacked,
    broken: total(parts.map(({ broken }) => broken)),
    passes: sumPasses(parts.map(({ passes }) => passes)),
    seconds: total(parts.map(({ seconds }) => seconds)),
  };
}

/** The suites of a list; `results` are those of all its attacks, the parts of suites included, in order. */
export function suitesOf(list: readonly ListedAttack[], results: readonly AttackResult[]): SuiteResult[] {
  let next = 0;
  return list.flatMap((entry) => {
    const first = next;
    next += attacksOf(entry).length;
    if (entry.name !== 'autoattack') return [];
    return [suite(entry.name, entry.version, results.slice(first, next), first)];
  });
}
