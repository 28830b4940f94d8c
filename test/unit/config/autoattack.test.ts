/** AutoAttack as an entry of a list: the attacks that it stands for, and their settings. */
import { describe, expect, it } from 'vitest';
import { apgdCe, apgdDlr, apgdT } from '../../../src/config/attacks/apgd.ts';
import { attacksOf, nativeAttacks } from '../../../src/config/attacks/attack.ts';
import { autoattack } from '../../../src/config/attacks/autoattack.ts';
import { fab, fabT } from '../../../src/config/attacks/fab.ts';
import { pgd } from '../../../src/config/attacks/pgd.ts';
import { square } from '../../../src/config/attacks/square.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { refusal } from './refusal.ts';

const l2 = { norm: 'l2', eps: 0.5 } as const;

describe('autoattack', () => {
  const parts = (version: 'standard' | 'plus' | 'rand') =>
    attacksOf(autoattack({ version, eps: '4/255', norm: 'linf' }));
  const ball = { eps: 4 / 255, norm: 'linf' } as const;

  it("has the attacks and settings of the authors' code, in its order", () => {
    const blackBox = square({ ...ball, queries: 5000, schedule: 10_000 });
    const targeted = [apgdT({ ...ball, targets: 9 }), fabT({ ...ball, targets: 9, stopWithinEps: true })];
    expect(parts('standard')).toEqual([apgdCe({ ...ball, steps: 100 }), ...targeted, blackBox]);
    expect(parts('plus')).toEqual([
      apgdCe({ ...ball, restarts: 5 }),
      apgdDlr({ ...ball, restarts: 5 }),
      fab({ ...ball, restarts: 5, stopWithinEps: true }),
      blackBox,
      ...targeted,
    ]);
    expect(parts('rand')).toEqual([apgdCe({ ...ball, eot: 20 }), apgdDlr({ ...ball, eot: 20 })]);
  });

  it('hands its precision to APGD and to nothing else', () => {
    const precisions = attacksOf(autoattack({ version: 'plus', precision: 'bfloat16' })).map((attack) => [
      attack.name,
      'precision' in attack ? attack.precision : null,
    ]);
    expect(Object.fromEntries(precisions)).toEqual({
      'apgd-ce': 'bfloat16',
      'apgd-dlr': 'bfloat16',
      fab: null,
      square: null,
      'apgd-t': 'bfloat16',
      'fab-t': null,
    });
  });

  it('is standard by its bare name, and may stand alone where a list is expected', () => {
    const config = (attacks: unknown) =>
      resolveConfig([{ origin: 'test', values: { evaluate: { attacks } } }]).config.evaluate.attacks;
    expect(config('autoattack')).toEqual([autoattack()]);
    expect(config(['pgd', 'autoattack'])).toEqual([pgd(), autoattack()]);
    expect(config({ name: 'autoattack', version: 'plus' })).toEqual([autoattack({ version: 'plus' })]);
    expect(autoattack().version).toBe('standard');
  });

  it('knows who gave it', () => {
    const { origins } = resolveConfig([
      { origin: 'file', values: { evaluate: { attacks: { name: 'pgd', steps: 3 } } } },
      { origin: 'flag', values: { evaluate: { attacks: { name: 'autoattack' } } } },
    ]);
    expect(origins.get('evaluate.attacks')).toBe('flag');
  });

  it("takes the threat model's radius and norm for all its attacks", () => {
    const native = nativeAttacks(autoattack(), l2);
    expect(native.map(({ name, norm, eps }) => [name, norm, eps])).toEqual(
      ['apgd-ce', 'apgd-t', 'fab-t', 'square'].map((name) => [name, 'l2', 0.5]),
    );
  });

  it('is not one attack', () => {
    const refused = (values: object) => refusal(() => resolveConfig([{ origin: 'test', values }]));
    expect(refused({ train: { validate: { attack: 'autoattack' } } })).toMatch(
      /^ERR_OPTION {2}Expected random, fgsm, .* or square for train.validate.attack.name but received 'autoattack'/,
    );
    expect(refused({ evaluate: { attacks: { name: 'autoattack', version: 'fast' } } })).toBe(
      "ERR_OPTION  Expected standard, plus or rand for evaluate.attacks[0].version but received 'fast' (string).",
    );
  });
});
