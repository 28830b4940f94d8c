/**
 * Headless Chromium for the checks of pages: what a page logs and asks for, and what axe says of it as it stands, with
 * its policy and script. Chromium is $CHROMIUM, or `chromium` on the PATH; puppeteer-core drives it.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import puppeteer from 'puppeteer-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A browser; the caller closes it. */
export async function launch() {
  const executablePath =
    process.env.CHROMIUM ?? execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return puppeteer.launch({ executablePath, args });
}

/**
 * Opens an address; resolves to the page, to what its console said (violations of its policy and errors included), and
 * to what it asked for, itself and data URIs left out.
 */
export async function visit(browser, url, { scheme = 'light', width = 1200 } = {}) {
  const page = await browser.newPage();
  const complaints = [];
  const requests = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith('data:')) requests.push(request.url());
  });
  const session = await page.createCDPSession();
  session.on('Log.entryAdded', ({ entry }) => complaints.push(entry.text));
  await session.send('Log.enable');
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await page.goto(url, { waitUntil: 'load' });
  return { page, complaints, requests };
}

/** What axe finds wrong with a page, the impact first. */
export async function faults(page) {
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
  if (passes.length === 0) return ['critical: axe checked nothing'];
  return violations.map(({ id, impact, nodes }) => `${impact}: ${id} ${nodes[0].html}`);
}

/** Whether a fault keeps someone from reading the page. */
export function isSerious(fault) {
  return /^(?:serious|critical)/.test(fault);
}

/** Prints a line for a check, and details; one that failed sets the exit code. */
export function report(what, passed, details = []) {
  console.log(`${what}: ${passed ? 'passed' : 'FAILED'}`);
  for (const line of details) console.log(`  ${line}`);
  if (!passed) process.exitCode = 1;
}
