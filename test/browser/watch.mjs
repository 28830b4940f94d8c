/**
 * The live page of `train --watch` in headless Chromium: its policy lets its own script run, events change it, and axe
 * finds no serious fault, in light and in dark. Not part of `npm test`, since it needs Chromium and two packages.
 * Usage: npm run setup && npm install --no-save axe-core puppeteer-core && node test/browser/watch.mjs
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { faults, isSerious, launch, report, visit } from './chromium.mjs';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'selfgrad-watch-'));
const out = join(folder, 'run');
const run = spawn(
  process.execPath,
  [main, 'train', '--preset', 'quickstart', 'train.epochs=1000', 'threads=1', '--watch', '--out', out],
  { stdio: ['ignore', 'ignore', 'pipe'] },
);
const ended = once(run, 'exit');
const browser = await launch();
try {
  let told = '';
  for await (const chunk of run.stderr) {
    told += chunk;
    if (told.includes('epoch   2')) break;
  }
  const url = /^watch {2}(http:\S+)$/m.exec(told)[1];
  for (const scheme of ['light', 'dark']) {
    const { page, complaints, requests } = await visit(browser, url, { scheme });
    const step = () => page.$eval('progress', ({ value }) => value);
    const first = await step();
    const follows = await page
      .waitForFunction((past) => document.querySelector('progress').value > past, { timeout: 20_000 }, first)
      .then(
        () => true,
        () => false,
      );
    report(`${scheme}: the page follows the run`, follows);
    report(`${scheme}: the console stays empty`, complaints.length === 0, complaints);
    const foreign = requests.filter((address) => new URL(address).origin !== new URL(url).origin);
    report(`${scheme}: nothing is asked of others than the run`, foreign.length === 0, foreign);
    const found = await faults(page);
    report(`${scheme}: axe`, !found.some(isSerious), found);
    await page.close();
  }
} finally {
  await browser.close();
  run.kill('SIGINT');
  await ended;
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
