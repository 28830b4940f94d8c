/** Configuration files and arguments that nobody meant well: an error with a code, or a configuration within its bounds. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readDataFile } from '../../../src/config/files.ts';
import type { Layer } from '../../../src/config/layers.ts';
import { parseOverride } from '../../../src/config/overrides.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { SelfgradError } from '../../../src/errors.ts';
import { damaged } from '../data/arrayFiles.ts';

const folder = mkdtempSync(join(tmpdir(), 'selfgrad-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The configuration, or the error that names what is wrong; anything else fails the test. */
function outcome(read: () => Layer) {
  try {
    return resolveConfig([read()]).config;
  } catch (error) {
    if (!(error instanceof SelfgradError)) throw error;
    expect(['ERR_CONFIG', 'ERR_OPTION']).toContain(error.code);
    // A sentence, whatever the file holds.
    expect(error.message.length).toBeLessThan(4000);
    return error;
  }
}

function fromFile(content: string | Uint8Array) {
  const path = join(folder, 'config.yaml');
  writeFileSync(path, content);
  return outcome(() => readDataFile(path));
}

const valid = `
seed: 3
data: { source: cifar10, path: images }
threat: { norm: linf, eps: 8/255 }
model: { architecture: preact-resnet, depths: [1, 1], width: 16 }
train: { strategy: { name: pgd, steps: 10 }, epochs: 2, lr: 0.1, batchSize: 128 }
evaluate: { attacks: [pgd, { name: square, queries: 100 }], epsCurve: { points: [0, 8/255] } }
`;

describe('a hostile configuration', () => {
  it('the file that the others are made of is valid', () => {
    expect(fromFile(valid)).toMatchObject({ seed: 3, threat: { eps: 8 / 255 } });
  });

  it('damaged bytes give an error or a configuration', () => {
    let refused = 0;
    fc.assert(
      fc.property(damaged(Buffer.from(valid)), (bytes) => {
        const result = fromFile(bytes);
        if (result instanceof SelfgradError) refused += 1;
        else expect(result.train.batchSize).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it('any text, JSON or bytes give an error or a configuration', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.json({ maxDepth: 6 }), fc.uint8Array({ maxLength: 200 })),
        (content) => void fromFile(content),
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    [
      'aliases that grow without end',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'.replace(/./g, (c) => `${c}: &${c} [${Array(9).fill(`*${String.fromCharCode(c.charCodeAt(0) - 1)}`)}]\n`)}`,
    ],
    ['deep nesting', '['.repeat(20_000)],
    ['deep groups', '{a: '.repeat(2_000)],
    ['a long key', `${'k'.repeat(1e6)}: 1`],
    ['a long number', `seed: ${'9'.repeat(1e5)}`],
    ['a key twice', 'seed: 1\nseed: 2'],
    ['a prototype', '__proto__: { seed: 5 }'],
    ['a constructor', 'constructor: { prototype: { seed: 5 } }'],
    ['a tag that is code elsewhere', 'seed: !!js/function "function () {}"'],
    ['an unknown tag', 'data: { path: !env HOME }'],
    ['an unknown directive', '%SECRET 1\n---\nseed: 1'],
    ['infinity', 'train: { lr: .inf }'],
    ['no number', 'threat: { eps: .nan }'],
  ])('%s is refused', (_, content) => {
    expect(fromFile(content)).toBeInstanceOf(SelfgradError);
    expect(({} as { seed?: unknown }).seed).toBeUndefined();
  });

  it('any argument gives an error or a configuration', () => {
    const key = fc.constantFrom('seed', 'train.lr', 'data.path', 'evaluate.attacks', 'a.b', '__proto__.x');
    const argument = fc.oneof(
      fc.string(),
      fc.tuple(key, fc.oneof(fc.string(), fc.json())).map(([left, right]) => `${left}=${right}`),
    );
    fc.assert(
      fc.property(argument, (text) => void outcome(() => parseOverride(text))),
      { numRuns: 300 },
    );
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });
});
