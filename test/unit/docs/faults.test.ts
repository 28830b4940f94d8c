/** The tests that docs/architecture.md names as showing what happens in each fault exist under these names. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPage, root } from './markdown.ts';

const section = readPage('docs/architecture.md')
  .split('\n## ')
  .find((text) => text.startsWith('Faults'))!;
const rows = [...section.matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm)].slice(2);

test.each(rows.map(([, fault, tests]) => [fault!, tests!]))('%s', (_, tests) => {
  // `file`: “title”, “title”; `file`: …
  const named = tests.split('; ').flatMap((part) => {
    const [, file, titles] = /^`([^`]+)`(?:: (.+))?$/.exec(part)!;
    return [...(titles ?? '').matchAll(/“([^”]+)”/g)]
      .map(([, title]) => [file!, title!])
      .concat(titles ? [] : [[file!, '']]);
  });
  expect(named.length).toBeGreaterThan(0);
  for (const [file, title] of named) {
    const path = join(root, file!);
    expect(existsSync(path) && readFileSync(path, 'utf8').includes(title!), `${file}: ${title}`).toBe(true);
  }
});
