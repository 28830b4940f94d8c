/** The programs of examples/, run as a reader of them would. The server has a test of its own. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, onTestFinished, test } from 'vitest';
import { packageRoot } from '../../src/native/packageRoot.ts';

const main = join(packageRoot, 'dist/cli/main.js');

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'selfgrad-examples-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Two classes that a short training tells apart: brighter at the top, brighter at the bottom; 40×40, so resized. */
async function writePhotos(folder: string): Promise<void> {
  const side = 40;
  for (const [split, count] of [
    ['train', 40],
    ['test', 5],
  ] as const) {
    for (const [label, name] of ['falling', 'rising'].entries()) {
      const directory = join(folder, split, name);
      mkdirSync(directory, { recursive: true });
      for (let i = 0; i < count; i++) {
        const pixels = Uint8Array.from({ length: side * side * 3 }, (_, k) => {
          const row = Math.floor(k / (3 * side)) / (side - 1);
          return 40 + 150 * (label ? row : 1 - row) + ((k * 7919 + i * 104_729 + label) % 40);
        });
        await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
          .jpeg()
          .toFile(join(directory, `${split}-${i}.jpg`));
      }
    }
  }
}

test.skipIf(process.platform === 'win32')(
  'examples/cli: photos in, a run with figures, card and ONNX out, and nothing trained twice',
  async () => {
    const folder = temporary();
    await writePhotos(join(folder, 'photos'));
    const robust = (...options: string[]) =>
      spawnSync('sh', [join(packageRoot, 'examples/cli/robust.sh'), 'photos', 'run', ...options], {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, SELFGRAD: `${process.execPath} ${main}` },
      });
    const first = robust('train.epochs=8', 'model.width=8');
    expect(first.status, first.stderr).toBe(0);
    for (const file of ['report.html', 'card.md', 'model.onnx', 'masking.json', 'validation/evaluation.json'])
      expect(existsSync(join(folder, 'run', file)), file).toBe(true);
    const { clean, robust: worst } = JSON.parse(readFileSync(join(folder, 'run/evaluation.json'), 'utf8'));
    expect(clean.count).toBe(10);
    expect(clean.rate).toBeGreaterThan(0.8);
    expect(worst.rate).toBeLessThanOrEqual(clean.rate);

    const events = readFileSync(join(folder, 'run/events.jsonl'));
    const second = robust();
    expect(second.status, second.stderr).toBe(0);
    expect(second.stdout).toContain('run is trained.');
    expect(readFileSync(join(folder, 'run/events.jsonl'))).toEqual(events);
  },
);

test('examples/notebook: compiles, trains each method and leaves one row of each', () => {
  const example = join(packageRoot, 'examples/notebook');
  const compiler = join(packageRoot, 'node_modules/typescript/bin/tsc');
  const compiled = spawnSync(process.execPath, [compiler, '-p', example], { encoding: 'utf8' });
  expect(compiled.status, compiled.stdout).toBe(0);
  const folder = temporary();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(example, 'dist/explore.js'), '--train-count', '300', '--test-count', '60', '--passes', '2'],
    { cwd: folder, encoding: 'utf8' },
  );
  expect(status, stderr).toBe(0);
  expect(stdout).toContain('300 images to train, 60 to test, 10 classes');
  const rows = JSON.parse(readFileSync(join(folder, 'explore.json'), 'utf8'));
  expect(rows.map(({ strategy }: { strategy: string }) => strategy)).toEqual([
    'standard',
    'pgd',
    'self-gradient',
  ]);
  for (const { clean, robust } of rows) {
    expect(clean.count).toBe(60);
    expect(robust.correct).toBeLessThanOrEqual(clean.correct);
  }
});
