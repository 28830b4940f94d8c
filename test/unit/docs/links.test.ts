/** Links inside the documentation must lead somewhere. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { anchors, pages, readPage, root } from './markdown.ts';

function brokenLinks(page: string): string[] {
  const links = [...readPage(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map((match) => match[1]!);
  return links.filter((link) => {
    const [path, anchor] = link.split('#') as [string, string?];
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && !anchors(readPage(target)).has(anchor);
  });
}

test.each(pages)('%s: relative links and anchors exist', (page) => {
  expect(brokenLinks(page)).toEqual([]);
});
