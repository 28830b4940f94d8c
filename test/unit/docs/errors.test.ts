/** The page of errors must know every code, with its exit code, and every warning. */
import { expect, test } from 'vitest';
import { type ErrorCode, SelfgradError } from '../../../src/errors.ts';
import { readPage } from './markdown.ts';

const page = readPage('docs/errors.md');

/** Names in the source, so that a new code cannot be forgotten here. */
function namesIn(file: string, pattern: RegExp): string[] {
  return [...new Set(readPage(file).match(pattern))].sort();
}

/** Sections of the page by their heading. */
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')), text] as const),
);

test('every error code and warning has a section, and no other has one', () => {
  const errors = namesIn('src/errors.ts', /\bERR_[A-Z]+\b/g);
  const warnings = [
    'comparison',
    'data/decodedCache',
    'data/listImageFolder',
    'evaluate/warnings',
    'stability',
    'modelChecks',
    'torchScript',
  ].flatMap((name) => namesIn(`src/${name}.ts`, /\bW_[A-Z_]+\b/g));
  expect([...sections.keys()].sort()).toEqual([...errors, ...warnings].sort());
});

test.each([...sections])('%s says when it is raised, why, and what to do', (_, text) => {
  for (const part of ['**Raised if**', '**Explanation**', '**Do**']) expect(text).toContain(part);
});

test('the table gives the exit code of each error', () => {
  const rows = [...page.matchAll(/\[(ERR_[A-Z]+)\]\(#\w+\) \| (\d+)/g)];
  expect(rows).toHaveLength([...sections.keys()].filter((name) => name.startsWith('ERR_')).length);
  for (const [, code, exit] of rows)
    expect(new SelfgradError(code as ErrorCode, '').exitCode).toBe(Number(exit));
});
