/** Pictures become the records of CIFAR's binary files. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
// @ts-expect-error a script without types
import { pack } from '../../../bench/claims/pack.mjs';
import { cifar10Classes } from '../../../src/data/cifarClasses.ts';
import { encodePng } from '../../../src/png.ts';

const planes = (label: number, row: number) =>
  Uint8Array.from({ length: 3 * 32 * 32 }, (_, i) => (i * 7 + label * 20 + row) % 256);

function pictures(counts: (label: number) => number): string {
  const folder = mkdtempSync(join(tmpdir(), 'selfgrad-pack-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [label, name] of cifar10Classes.entries()) {
    mkdirSync(join(folder, name));
    for (let row = 0; row < counts(label); row++) {
      writeFileSync(join(folder, name, `000${row}.png`), encodePng(planes(label, row), [3, 32, 32]));
    }
  }
  return folder;
}

test('one picture of each class in turn, label first, then planes', async () => {
  const records: Buffer = await pack(pictures(() => 2));
  expect(records).toHaveLength(20 * 3073);
  for (let i = 0; i < 20; i++) {
    const record = records.subarray(i * 3073, (i + 1) * 3073);
    expect(record[0]).toBe(i % 10);
    expect(record.subarray(1).equals(planes(i % 10, Math.floor(i / 10)))).toBe(true);
  }
});

test('classes of different size are refused', async () => {
  await expect(pack(pictures((label) => (label === 4 ? 1 : 2)))).rejects.toThrow(
    /Expected 2 pictures of deer in .* but found 1\./,
  );
});
