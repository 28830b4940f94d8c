/**
 * The report and the comparison of two small runs in headless Chromium: they log nothing and ask for nothing, axe finds
 * no serious fault, tables sort, and they print, in light and dark, wide and narrow. Not part of `npm test`, since it
 * needs Chromium and two packages.
 * Usage: npm run setup && npm install --no-save axe-core puppeteer-core && node test/browser/report.mjs [FOLDER]
 * FOLDER keeps the runs, with pictures of the pages; by default they go.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { faults, isSerious, launch, report, visit } from './chromium.mjs';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const kept = process.argv[2];
const folder = kept === undefined ? mkdtempSync(join(tmpdir(), 'selfgrad-report-')) : resolve(kept);
mkdirSync(folder, { recursive: true });

function selfgrad(...words) {
  execFileSync(process.execPath, [main, ...words], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Two runs whose pages have every section: suites, masking, stability, training, examples, warnings. */
function makePages() {
  const attacks =
    '[{ name: pgd, steps: 20 }, { name: autoattack, version: rand }, { name: square, queries: 100 }]';
  for (const [run, count] of [
    ['mine', 100],
    ['other', 90],
  ]) {
    selfgrad(
      'train',
      '--preset',
      'quickstart',
      'train.epochs=2',
      `seed=${count}`,
      '--overwrite',
      '--out',
      run,
    );
    // Another radius than in training, and other images for the second run: there is something to warn of.
    const threat = ['threat.eps=0.12', `evaluate.count=${count}`];
    selfgrad('eval', run, ...threat, `evaluate.attacks=${attacks}`, 'evaluate.epsCurve.count=50');
  }
  const few = ['masking.count=20', 'masking.apgdSteps=5', 'masking.queries=10', 'masking.points=5'];
  selfgrad('masking', 'mine', ...few, '--out', 'mine/masking.json');
  selfgrad(
    'stability',
    'mine',
    'stability.count=20',
    'stability.certify=null',
    '--out',
    'mine/stability.json',
  );
  selfgrad('report', 'mine');
  selfgrad('compare', 'mine', 'other', '--out', 'compare.html');
}

/** The checks must see what they look for, or their silence means nothing. */
async function control(browser) {
  const file = join(folder, 'control.html');
  const policy = '<meta http-equiv="Content-Security-Policy" content="img-src data:">';
  const image = '<img src="http://127.0.0.1:9/x">';
  const shown = [];
  for (const [name, head] of Object.entries({ asks: '', 'is held back': policy })) {
    writeFileSync(file, `<!DOCTYPE html>${head}<title>control</title>${image}<button></button>`);
    const { page, complaints, requests } = await visit(browser, pathToFileURL(file).href);
    const serious = (await faults(page)).filter(isSerious);
    shown.push([name, { complaints: complaints.length, requests: requests.length, serious: serious.length }]);
    await page.close();
  }
  const [asks, held] = shown.map(([, found]) => found);
  const seen = asks.requests > 0 && asks.serious > 0 && held.complaints > 0;
  report(
    'control: a request, a violation and a nameless button are seen',
    seen,
    seen ? [] : [JSON.stringify(shown)],
  );
}

/** The values of a column of a table's body, and what its head says of its order. */
const column = (page, table, at) =>
  page.evaluate(
    (table, at) => {
      const found = document.querySelectorAll('table.sortable')[table];
      return {
        order: found.tHead.rows[0].cells[at].getAttribute('aria-sort'),
        values: [...found.tBodies[0].rows].map(
          ({ cells }) => cells[at].dataset.value ?? cells[at].textContent,
        ),
        foot: found.tFoot?.textContent ?? null,
        sorted: found.querySelectorAll('[aria-sort]').length,
      };
    },
    table,
    at,
  );

/** Sorts each column of each table, by mouse or by keyboard: up, down, and back. */
async function sorts(page) {
  const tables = await page.$$eval('table.sortable', (all) =>
    all.map((table) => table.tHead.rows[0].cells.length),
  );
  const wrong = tables.length === 0 ? ['no table sorts'] : [];
  for (const [table, columns] of tables.entries()) {
    for (let at = 0; at < columns; at++) {
      const before = await column(page, table, at);
      const press = (key) =>
        page
          .evaluate(
            (table, at) =>
              document
                .querySelectorAll('table.sortable')
                [table].tHead.rows[0].cells[at].firstElementChild.focus(),
            table,
            at,
          )
          .then(() => page.keyboard.press(key));
      const filled = before.values.filter((value) => value !== '');
      const numbers = filled.every((value) => Number.isFinite(Number(value)));
      const { compare } = new Intl.Collator('en', { numeric: true });
      const up = filled.toSorted((a, b) => (numbers ? a - b : compare(a, b)));
      const expected = { ascending: up, descending: up.toReversed(), null: filled };
      for (const [order, key] of [
        ['ascending', 'Enter'],
        ['descending', 'Space'],
        [null, 'Enter'],
      ]) {
        await press(key);
        const now = await column(page, table, at);
        const values = now.values.filter((value) => value !== '');
        const last = now.values.slice(0, values.length).every((value) => value !== '') || order === null;
        const right =
          now.order === order &&
          now.sorted === (order === null ? 0 : 1) &&
          now.foot === before.foot &&
          last &&
          values.join() === expected[order].join();
        if (!right) wrong.push(`table ${table}, column ${at}, ${order}: ${JSON.stringify(now)}`);
      }
    }
  }
  return wrong;
}

async function check(browser, name, url) {
  for (const scheme of ['light', 'dark']) {
    for (const width of [1200, 420]) {
      const what = `${name}, ${scheme}, ${width} pixels`;
      const { page, complaints, requests } = await visit(browser, url, { scheme, width });
      const wrong = await sorts(page);
      report(`${what}: tables sort`, wrong.length === 0, wrong);
      await page.click('table.sortable button');
      const explained = await page.$$eval('a', (links) => {
        links[0]?.click();
        return links.every(({ hash }) => document.getElementById(hash.slice(1))) && location.hash !== '';
      });
      report(`${what}: warnings lead to their explanation`, explained);
      const found = await faults(page);
      report(`${what}: axe`, !found.some(isSerious), found);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      report(`${what}: nothing sticks out`, wide <= width, wide <= width ? [] : [`${wide} pixels wide`]);
      report(`${what}: the console stays empty`, complaints.length === 0, complaints);
      report(`${what}: nothing is asked for`, requests.length === 0, requests);
      if (kept !== undefined)
        await page.screenshot({ path: join(folder, `${name}-${scheme}-${width}.png`), fullPage: true });
      await page.close();
    }
  }
  const { page } = await visit(browser, url);
  const pdf = await page.pdf();
  report(`${name}: prints`, Buffer.from(pdf).subarray(0, 5).toString() === '%PDF-');
  if (kept !== undefined) writeFileSync(join(folder, `${name}.pdf`), pdf);
  await page.emulateMediaType('print');
  const arrow = await page.$eval(
    'table.sortable button',
    (button) => getComputedStyle(button, '::after').content,
  );
  report(`${name}: heads are no buttons on paper`, arrow === 'none', arrow === 'none' ? [] : [arrow]);
  await page.setJavaScriptEnabled(false);
  await page.reload();
  const buttons = await page.$$('button');
  report(`${name}: without scripts heads are text`, buttons.length === 0);
  await page.close();
}

const wanted = [
  'warnings',
  'attacks',
  'masking',
  'eps',
  'outcomes',
  'stability',
  'training',
  'classes',
  'examples',
  'explanations',
  'provenance',
];

const browser = await launch();
try {
  await control(browser);
  makePages();
  const pages = { report: join(folder, 'mine', 'report.html'), comparison: join(folder, 'compare.html') };
  for (const [name, path] of Object.entries(pages)) await check(browser, name, pathToFileURL(path).href);
  const { page } = await visit(browser, pathToFileURL(pages.report).href);
  const sections = await page.$$eval('section', (all) => all.map(({ id }) => id));
  const absent = wanted.filter((id) => !sections.includes(id));
  report('the report has every section', absent.length === 0, absent);
} finally {
  await browser.close();
  if (kept === undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
