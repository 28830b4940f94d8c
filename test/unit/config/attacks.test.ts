import { describe, expect, it } from 'vitest';
import { apgdCe, apgdDlr, apgdT, checkClasses } from '../../../src/config/attacks/apgd.ts';
import {
  type AttackInput,
  attackNames,
  nativeAttack,
  nativeAttacks,
} from '../../../src/config/attacks/attack.ts';
import { autoattack } from '../../../src/config/attacks/autoattack.ts';
import { cwL2 } from '../../../src/config/attacks/cwL2.ts';
import { cwLinf } from '../../../src/config/attacks/cwLinf.ts';
import { deepFool } from '../../../src/config/attacks/deepfool.ts';
import { fab, fabT } from '../../../src/config/attacks/fab.ts';
import { fgsm } from '../../../src/config/attacks/fgsm.ts';
import { miFgsm } from '../../../src/config/attacks/miFgsm.ts';
import { pgd } from '../../../src/config/attacks/pgd.ts';
import { random } from '../../../src/config/attacks/random.ts';
import { square } from '../../../src/config/attacks/square.ts';
import type { AttackTarget } from '../../../src/config/attacks/target.ts';
import type { TransferAttack } from '../../../src/config/attacks/transfer.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { transfer } from '../../../src/transfer.ts';
import { refusal } from './refusal.ts';

const linf = { norm: 'linf', eps: 8 / 255 } as const;
const l2 = { norm: 'l2', eps: 0.5 } as const;

describe('the attack builders', () => {
  it('have the defaults of the literature', () => {
    expect(fgsm()).toEqual({
      name: 'fgsm',
      eot: 1,
      precision: 'float32',
      target: null,
      eps: null,
      norm: null,
    });
    expect(pgd()).toEqual({
      name: 'pgd',
      steps: 20,
      alpha: null,
      restarts: 1,
      randomStart: true,
      eot: 1,
      precision: 'float32',
      target: null,
      loss: 'ce',
      eps: null,
      norm: null,
    });
    expect(miFgsm()).toEqual({
      name: 'mi-fgsm',
      steps: 10,
      alpha: null,
      decay: 1,
      eot: 1,
      precision: 'float32',
      target: null,
      eps: null,
      norm: null,
    });
    expect(cwLinf()).toMatchObject({ steps: 20, confidence: 0, restarts: 1, randomStart: true });
    expect(apgdCe()).toEqual({
      name: 'apgd-ce',
      steps: 100,
      restarts: 1,
      eot: 1,
      precision: 'float32',
      target: null,
      eps: null,
      norm: null,
    });
    const { target: _target, ...climb } = apgdCe();
    expect(apgdDlr()).toEqual({ ...climb, name: 'apgd-dlr' });
    expect(apgdT()).toEqual({ ...climb, name: 'apgd-t', targets: 9 });
    expect(fabT()).toEqual({
      name: 'fab-t',
      steps: 100,
      restarts: 1,
      targets: 9,
      stopWithinEps: false,
      eps: null,
      norm: null,
    });
    const { targets: _, ...untargeted } = fabT();
    expect(fab()).toEqual({ ...untargeted, name: 'fab' });
    expect(deepFool()).toEqual({
      name: 'deepfool',
      steps: 50,
      overshoot: 0.02,
      targets: 9,
      eps: null,
      norm: null,
    });
    expect(cwL2()).toMatchObject({
      steps: 1000,
      binarySearchSteps: 9,
      initialC: 1e-3,
      learningRate: 0.01,
      confidence: 0,
    });
    expect(square()).toEqual({
      name: 'square',
      queries: 5000,
      pInit: 0.8,
      schedule: null,
      restarts: 1,
      eps: null,
      norm: null,
    });
  });

  it('read fractions', () => {
    expect(pgd({ alpha: '2/255', eps: '8/255' })).toMatchObject({ alpha: 2 / 255, eps: 8 / 255 });
  });

  it('name themselves in errors', () => {
    expect(refusal(() => pgd({ steps: 0 }))).toBe(
      'ERR_OPTION  Expected an integer >= 1 for pgd.steps but received 0 (number).',
    );
    expect(refusal(() => cwLinf({ stepz: 1 } as object))).toBe(
      'ERR_OPTION  Unknown option cwLinf.stepz. Did you mean cwLinf.steps?',
    );
    expect(refusal(() => cwL2({ initialC: 0 }))).toBe(
      'ERR_OPTION  Expected a number > 0 for cwL2.initialC but received 0 (number).',
    );
    expect(refusal(() => apgdT({ targets: 0 }))).toBe(
      'ERR_OPTION  Expected an integer >= 1 for apgdT.targets but received 0 (number).',
    );
    expect(refusal(() => fabT({ steps: 0.5 }))).toBe(
      'ERR_OPTION  Expected an integer >= 1 for fabT.steps but received 0.5 (number).',
    );
    expect(refusal(() => fabT({ alphaMax: 0.2 } as object))).toBe(
      'ERR_OPTION  Unknown option fabT.alphaMax. Known here: name, steps, restarts, stopWithinEps, eps, norm, targets.',
    );
    expect(refusal(() => apgdDlr({ targets: 9 } as object))).toBe(
      'ERR_OPTION  Unknown option apgdDlr.targets. Known here: name, steps, restarts, eot, precision, eps, norm.',
    );
    expect(refusal(() => transfer({ model: '', attack: 'pgd' }))).toBe(
      "ERR_OPTION  Expected the path of a model for transfer.model but received '' (string).",
    );
    expect(refusal(() => transfer({} as { model: string }))).toBe(
      'ERR_OPTION  Expected the path of a model for transfer.model but received nothing.',
    );
    expect(refusal(() => transfer({ model: 'runs/b', attack: 'square' as 'pgd' }))).toBe(
      "ERR_OPTION  Expected fgsm, pgd, mi-fgsm, cw-linf, apgd-ce, apgd-dlr or apgd-t for transfer.attack.name but received 'square' (string).",
    );
    expect(refusal(() => transfer({ model: 'runs/b', attack: { name: 'pgd', stepz: 3 } as never }))).toBe(
      'ERR_OPTION  Unknown option transfer.attack.stepz. Did you mean transfer.attack.steps?',
    );
    expect(refusal(() => square({ queries: 0 }))).toBe(
      'ERR_OPTION  Expected an integer >= 1 for square.queries but received 0 (number).',
    );
    expect(refusal(() => square({ pInit: 1.5 }))).toBe(
      'ERR_OPTION  Expected a number in (0, 1] for square.pInit but received 1.5 (number).',
    );
    expect(refusal(() => square({ steps: 9 } as object))).toBe(
      'ERR_OPTION  Unknown option square.steps. Known here: name, queries, pInit, schedule, restarts, eps, norm.',
    );
    expect(refusal(() => fgsm({ eps: 'x' }))).toBe(
      "ERR_OPTION  Expected a number or fraction >= 0 for fgsm.eps but received 'x' (string). Pixels are in [0, 1]: write 8/255.",
    );
  });

  it('agree with the bare names of a configuration', () => {
    const attacks: AttackInput[] = [
      'random',
      'fgsm',
      'pgd',
      'mi-fgsm',
      'cw-linf',
      'apgd-ce',
      'apgd-dlr',
      'apgd-t',
      'fab',
      'fab-t',
      'deepfool',
      { name: 'cw-l2', eps: 1 },
      'square',
    ];
    const { config } = resolveConfig([{ origin: 'test', values: { evaluate: { attacks } } }]);
    expect(config.evaluate.attacks).toEqual([
      random(),
      fgsm(),
      pgd(),
      miFgsm(),
      cwLinf(),
      apgdCe(),
      apgdDlr(),
      apgdT(),
      fab(),
      fabT(),
      deepFool(),
      cwL2({ eps: 1 }),
      square(),
    ]);
    expect(config.evaluate.attacks.map(({ name }) => name)).toEqual(attackNames);
  });
});

describe('in L1', () => {
  const l1 = { norm: 'l1', eps: 12 } as const;
  const resolve = (attacks: unknown) =>
    resolveConfig([{ origin: 'test', values: { threat: l1, evaluate: { attacks } } }]).config.evaluate
      .attacks;
  const works = 'In l1 these attacks work: apgd-ce, apgd-dlr, apgd-t.';

  it('APGD works, and is what an evaluation runs that names nothing', () => {
    expect(resolve(null)).toEqual([apgdCe()]);
    for (const attack of [apgdCe(), apgdDlr(), apgdT(), autoattack({ version: 'rand' })]) {
      expect(nativeAttacks(attack, l1)[0]).toMatchObject(l1);
    }
    const transferred = transfer({ model: 'runs/b', attack: apgdCe() }) as TransferAttack;
    expect(nativeAttack(transferred, l1)).toMatchObject(l1);
    expect(nativeAttack(apgdCe({ norm: 'l1', eps: 3 }), linf)).toMatchObject({ norm: 'l1', eps: 3 });
  });

  it.each(['random', 'fgsm', 'pgd', 'mi-fgsm', 'fab', 'fab-t', 'deepfool', 'square'])(
    'refuses %s',
    (name) => {
      expect(refusal(() => resolve(['apgd-ce', name]))).toBe(
        `ERR_OPTION  Expected linf or l2 for the norm of ${name} (evaluate.attacks[1]) but received 'l1' (string). ${works}`,
      );
    },
  );

  it('refuses AutoAttack as a whole, CW without a radius of its own, and PGD within transfer', () => {
    expect(refusal(() => resolve('autoattack'))).toBe(
      `ERR_OPTION  Expected linf or l2 for the norm of autoattack standard (evaluate.attacks[0]) but received 'l1' (string). ${works}`,
    );
    expect(refusal(() => resolve('cw-l2'))).toBe(
      'ERR_OPTION  Expected a number (an l2 radius) for evaluate.attacks[0].eps but received null. The threat model is l1: give this attack its own radius, or choose an l1 attack.',
    );
    expect(refusal(() => resolve({ name: 'transfer', model: 'runs/b' }))).toBe(
      `ERR_OPTION  Expected linf or l2 for the norm of pgd (evaluate.attacks[0].attack) but received 'l1' (string). ${works}`,
    );
  });
});

describe('transfer', () => {
  it('runs its inner attack with the options and the budget of that', () => {
    expect(transfer({ model: 'runs/b' })).toEqual({
      name: 'transfer',
      model: 'runs/b',
      attack: pgd(),
      architecture: null,
      activation: 'relu',
      mean: null,
      std: null,
    });
    const inner = cwLinf({ steps: 7, eps: '4/255' });
    const native = nativeAttack(transfer({ model: 'runs/b', attack: inner }) as TransferAttack, linf);
    expect(native).toEqual({ ...nativeAttack(inner, linf), name: 'transfer', inner: 'cw-linf' });
  });

  it('is an entry of a list of attacks, but not an attack of validation', () => {
    const entry = { name: 'transfer', model: 'runs/b', attack: 'mi-fgsm' } as const;
    const { config } = resolveConfig([{ origin: 'test', values: { evaluate: { attacks: ['pgd', entry] } } }]);
    expect(config.evaluate.attacks[1]).toMatchObject({ ...entry, attack: { name: 'mi-fgsm', steps: 10 } });
    const values = { train: { validate: { attack: entry } } };
    expect(refusal(() => resolveConfig([{ origin: 'test', values }]))).toContain(
      "for train.validate.attack.name but received 'transfer' (string).",
    );
  });

  it('names what does not fit its inner attack', () => {
    const attacks = [{ name: 'transfer', model: 'runs/b', attack: 'cw-linf' }];
    const values = { threat: l2, evaluate: { attacks } };
    expect(refusal(() => resolveConfig([{ origin: 'test', values }]))).toBe(
      'ERR_OPTION  Expected a number (an linf radius) for evaluate.attacks[0].attack.eps but received null. The threat model is l2: give this attack its own radius, or choose an l2 attack.',
    );
    const dlr = nativeAttack(transfer({ model: 'runs/b', attack: 'apgd-dlr' }) as TransferAttack, linf);
    expect(refusal(() => checkClasses([dlr], 2))).toContain(
      'for the attack apgd-dlr but received a network with 2',
    );
  });

  it('takes a loaded model in the API alone', () => {
    const attacks = [{ name: 'transfer', model: new (class Model {})() }];
    expect(refusal(() => resolveConfig([{ origin: 'test', values: { evaluate: { attacks } } }]))).toBe(
      'ERR_OPTION  Expected the path of a model for evaluate.attacks[0].model but received {} (object).',
    );
  });
});

describe('nativeAttack', () => {
  it('takes radius, norm and step size from the threat model', () => {
    expect(nativeAttack(pgd(), linf)).toMatchObject({
      norm: 'linf',
      eps: 8 / 255,
      alpha: 2 / 255,
      loss: 'ce',
    });
    expect(nativeAttack(pgd(), l2)).toMatchObject({ norm: 'l2', eps: 0.5, alpha: 0.125 });
    expect(nativeAttack(fgsm(), linf)).toMatchObject({
      norm: 'linf',
      eps: 8 / 255,
      alpha: 8 / 255,
      steps: 1,
      randomStart: false,
    });
  });

  it("prefers the attack's own", () => {
    expect(nativeAttack(pgd({ norm: 'l2', eps: 2, alpha: 0.1 }), linf)).toMatchObject({
      norm: 'l2',
      eps: 2,
      alpha: 0.1,
    });
    expect(nativeAttack(pgd({ eps: '4/255' }), linf)).toMatchObject({ eps: 4 / 255, alpha: 1 / 255 });
  });

  it('gives CW its margin and its norm', () => {
    expect(nativeAttack(cwLinf(), linf)).toMatchObject({
      loss: 'margin',
      norm: 'linf',
      confidence: 0,
      alpha: 2 / 255,
    });
    expect(nativeAttack(cwL2(), l2)).toMatchObject({ loss: 'margin', norm: 'l2', eps: 0.5, steps: 1000 });
  });

  it('gives APGD the norm of the threat model and its targets', () => {
    expect(nativeAttack(apgdCe(), linf)).toMatchObject({ norm: 'linf', eps: 8 / 255, steps: 100 });
    expect(nativeAttack(apgdT({ targets: 3 }), l2)).toMatchObject({ norm: 'l2', eps: 0.5, targets: 3 });
  });

  it('gives Square the norm of the threat model and its queries', () => {
    expect(nativeAttack(square({ restarts: 2 }), l2)).toMatchObject({
      norm: 'l2',
      eps: 0.5,
      queries: 5000,
      pInit: 0.8,
      schedule: 5000,
      restarts: 2,
    });
    expect(nativeAttack(square({ norm: 'linf', eps: '4/255', queries: 7 }), l2)).toMatchObject({
      norm: 'linf',
      eps: 4 / 255,
      queries: 7,
    });
  });

  it('gives FAB-T its targets and another radius in another norm', () => {
    expect(nativeAttack(fabT(), linf)).toMatchObject({ norm: 'linf', eps: 8 / 255, steps: 100, targets: 9 });
    expect(nativeAttack(fabT({ norm: 'l2', eps: 0.5 }), linf)).toMatchObject({ norm: 'l2', eps: 0.5 });
  });

  it('gives MI-FGSM steps that add up to the radius', () => {
    expect(nativeAttack(miFgsm(), linf)).toMatchObject({ alpha: 8 / 255 / 10, steps: 10, decay: 1 });
    expect(nativeAttack(miFgsm({ steps: 4, norm: 'l2', eps: 2 }), linf)).toMatchObject({ alpha: 0.5 });
  });

  it('hands over the target of each attack that has a targeted version', () => {
    const made = (target: AttackTarget | null) => [
      fgsm({ target }),
      pgd({ target }),
      miFgsm({ target }),
      cwLinf({ target }),
      cwL2({ target, eps: 1 }),
      apgdCe({ target }),
    ];
    const native = (target: AttackTarget | null) =>
      made(target).map((attack) => {
        const { target: kind, targetClass } = nativeAttack(attack, linf);
        return `${kind} ${targetClass}`;
      });
    expect(new Set(native(null))).toEqual(new Set(['any 0']));
    expect(new Set(native(3))).toEqual(new Set(['class 3']));
    expect(new Set(native('least-likely'))).toEqual(new Set(['least-likely 0']));
    expect(new Set(native('random'))).toEqual(new Set(['random 0']));
  });

  it('refuses what is no target', () => {
    expect(refusal(() => pgd({ target: -1 }))).toBe(
      'ERR_OPTION  Expected the number of a class, least-likely or random for pgd.target but received -1 (number). Classes are numbered from 0.',
    );
    expect(refusal(() => fgsm({ target: 'least-likley' as 'least-likely' }))).toBe(
      "ERR_OPTION  Expected the number of a class, least-likely or random for fgsm.target but received 'least-likley' (string). Did you mean least-likely?",
    );
    expect(refusal(() => square({ target: 1 } as object))).toMatch(
      /^ERR_OPTION {2}Unknown option square\.target/,
    );
    expect(refusal(() => checkClasses([nativeAttack(pgd({ target: 10 }), linf)], 10))).toBe(
      'ERR_OPTION  Expected a class in 0 … 9 for the target of pgd but received 10 (number). The network has 10 classes, numbered from 0.',
    );
  });

  it('fills in every field of the native struct', () => {
    const fields = Object.keys(nativeAttack(pgd(), linf)).sort();
    expect(fields).toMatchInlineSnapshot(`
      [
        "alpha",
        "binarySearchSteps",
        "confidence",
        "decay",
        "eot",
        "eps",
        "initialC",
        "inner",
        "learningRate",
        "loss",
        "name",
        "norm",
        "overshoot",
        "pInit",
        "precision",
        "queries",
        "randomStart",
        "restarts",
        "schedule",
        "source",
        "steps",
        "stopWithinEps",
        "target",
        "targetClass",
        "targets",
      ]
    `);
    expect(Object.keys(nativeAttack(fgsm(), linf)).sort()).toEqual(fields);
    expect(Object.keys(nativeAttack(cwLinf(), linf)).sort()).toEqual(fields);
    expect(Object.keys(nativeAttack(apgdCe(), linf)).sort()).toEqual(fields);
    expect(Object.keys(nativeAttack(fabT(), linf)).sort()).toEqual(fields);
    expect(Object.keys(nativeAttack(miFgsm(), linf)).sort()).toEqual(fields);
    expect(Object.keys(nativeAttack(deepFool(), linf)).sort()).toEqual(fields);
    expect(Object.keys(nativeAttack(cwL2(), l2)).sort()).toEqual(fields);
    expect(Object.keys(nativeAttack(square(), l2)).sort()).toEqual(fields);
  });

  it('refuses another norm without a radius, naming the attack', () => {
    expect(refusal(() => nativeAttack(cwLinf(), l2, 'evaluate.attacks[2]'))).toBe(
      'ERR_OPTION  Expected a number (an linf radius) for evaluate.attacks[2].eps but received null. The threat model is l2: give this attack its own radius, or choose an l2 attack.',
    );
  });
});
