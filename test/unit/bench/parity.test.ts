/** The parts of the comparison with other packages that need no Python: counts, stages of a cascade, tables. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../../src/native/packageRoot.ts';

const load = (name: string) => import(join(packageRoot, 'bench/parity', name));
const { compare, stagesOf } = (await load('compare.mjs')) as {
  compare(ours: boolean[], theirs: boolean[]): Record<string, number>;
  stagesOf(brokenBy: Int32Array, attacks: number): boolean[][];
};
const { cases } = (await load('cases.mjs')) as { cases: Record<string, { peers: string[] }> };
const { renderParity } = (await load('table.mjs')) as { renderParity(rows: object[]): string };

it('counts what each broke, and what only one of them broke', () => {
  expect(compare([true, false, false, true], [true, true, false, false])).toEqual({
    count: 4,
    ours: 2,
    theirs: 2,
    onlyWeBroke: 1,
    onlyTheyBroke: 1,
  });
});

it('tells from the attack that broke an image after which attacks it stood', () => {
  // Wrong before, robust, broken by the first attack, by the second.
  expect(stagesOf(Int32Array.of(-2, -1, 0, 1), 2)).toEqual([
    [false, true, false, true],
    [false, true, false, false],
  ]);
});

it('writes a line for each stage, with the share of equal verdicts', () => {
  const stage = { attack: 'apgd-ce', ...compare([true, false, false, true], [true, true, false, false]) };
  const text = renderParity([
    {
      model: { name: 'small', architecture: 'preact-resnet', parameters: 7, strategy: 'pgd' },
      data: { name: 'cifar10', note: 'JPEG copy' },
      case: 'standard',
      peer: 'autoattack',
      settings: { norm: 'linf', epsText: '8/255' },
      stages: [stage, { ...stage, attack: 'apgd-t' }],
      cpuSeconds: { ours: 1.2, theirs: 30.4 },
      machine: { cpu: 'Example CPU', cores: 2, threads: 1 },
      versions: { selfgrad: '0.1.0', libtorch: '2.11.0', peers: { autoattack: 'from its repository' } },
    },
  ]);
  expect(text).toContain('| standard, after apgd-ce | autoattack | 4 | 50.0 | 50.0 | 50.0 | 1 | 1 |  |');
  expect(text).toContain('| standard, after apgd-t | autoattack | 4 | 50.0 | 50.0 | 50.0 | 1 | 1 | 1 / 30 |');
  expect(text).toContain('cifar10 (JPEG copy)');
  expect(text).toContain('autoattack from its repository');
});

it('names a peer for every case', () => {
  for (const { peers } of Object.values(cases)) expect(peers.length).toBeGreaterThan(0);
});
