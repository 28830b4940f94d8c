/**
 * The live page of `train --watch` in headless Chromium: its policy lets its own script run, events change it, and axe
 * finds no serious fault, in light and in dark. Not part of `npm test`, since it needs Chromium ($CHROMIUM, or
 * `chromium` on the PATH) and axe. Usage: npm run setup && npm install --no-save axe-core && node test/browser/watch.mjs
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = mkdtempSync(join(tmpdir(), 'selfgrad-watch-'));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The document as it stands `timeout` ms after it was opened, and what the browser logged. */
async function visit(url, timeout, flags = []) {
  const always = [
    '--headless',
    '--disable-gpu',
    '--enable-logging=stderr',
    `--user-data-dir=${join(folder, 'profile')}`,
  ];
  if (process.getuid?.() === 0) always.push('--no-sandbox');
  const browser = spawn(
    process.env.CHROMIUM ?? 'chromium',
    [...always, ...flags, `--timeout=${timeout}`, '--dump-dom', url],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const [dom, log] = await Promise.all([text(browser.stdout), text(browser.stderr)]);
  return { dom, complaints: log.split('\n').filter((line) => line.includes(':CONSOLE')) };
}

/** What axe says against a document; its own script and policy are taken out, so that axe can run in it. */
async function faults(dom, flags) {
  const file = join(folder, 'page.html');
  const bare = dom
    .replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '')
    .replace(/<script>.*?<\/script>/s, '');
  const check = `<script>${axe}</script><script>
axe.run().then(({ violations }) => {
  const found = violations.map(({ id, impact, nodes }) => impact + ' ' + id + ' ' + nodes[0].html);
  document.title = 'axe:' + JSON.stringify(found);
});
</script></body>`;
  writeFileSync(
    file,
    bare.replace('</body>', () => check),
  );
  const { dom: after } = await visit(pathToFileURL(file).href, 5000, flags);
  const answer = /<title>axe:([^<]*)<\/title>/.exec(after)?.[1];
  if (answer === undefined) return ['axe did not finish'];
  return JSON.parse(answer.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'));
}

function report(what, passed, details = []) {
  console.log(`${what}: ${passed ? 'passed' : 'FAILED'}`);
  for (const line of details) console.log(`  ${line}`);
  if (!passed) process.exitCode = 1;
}

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const out = join(folder, 'run');
const run = spawn(
  process.execPath,
  [main, 'train', '--preset', 'quickstart', 'train.epochs=1000', 'threads=1', '--watch', '--out', out],
  { stdio: ['ignore', 'ignore', 'pipe'] },
);
const ended = once(run, 'exit');
try {
  let told = '';
  for await (const chunk of run.stderr) {
    told += chunk;
    if (told.includes('epoch   2')) break;
  }
  const url = /^watch {2}(http:\S+)$/m.exec(told)[1];
  const first = await (await fetch(url)).text();
  const { dom, complaints } = await visit(url, 4000);
  const step = (page) => /<progress[^>]*value="(\d+)"/.exec(page)?.[1];
  report('the page follows the run', Number(step(dom)) > Number(step(first)));
  report('the console stays empty', complaints.length === 0, complaints);
  const schemes = { light: [], dark: ['--force-dark-mode', '--blink-settings=preferredColorScheme=0'] };
  for (const [scheme, flags] of Object.entries(schemes)) {
    const found = await faults(dom, flags);
    report(`axe, ${scheme}`, !found.some((line) => /^(?:serious|critical|axe)/.test(line)), found);
  }
} finally {
  run.kill('SIGINT');
  await ended;
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
