/** What warnings and checks mean: each is found, and what the page says is what the documentation says. */
import { parseFragment } from 'parse5';
import { describe, expect, test } from 'vitest';
import { explainedName, explanations, warningList } from '../../../src/report/explanations.ts';
import { readPage } from '../docs/markdown.ts';

const names = ['docs/errors.md', 'docs/masking.md'].flatMap((page) =>
  [...readPage(page).matchAll(/^### (.+)$/gm)].map(([, name]) => name!),
);

describe('explanations', () => {
  test('there are some to check', () => {
    expect(names).toEqual(expect.arrayContaining(['W_THREAT', 'W_COMPARE', 'W_SQUARE', 'square-gain']));
  });

  test.each(names)('%s is linked, and says when, why and what to do', (name) => {
    const { text } = explainedName(name);
    expect(text).toBe(`<a href="#about-${name}">${name}</a>`);
    const page = (explanations([name]) as { text: string }).text;
    expect(page).toContain(`<div id="about-${name}"><h3>${name}</h3>`);
    for (const part of ['<p><b>Raised if</b> ', '<p><b>Explanation</b> ', '<p><b>Do</b> ']) {
      expect(page.split(part)).toHaveLength(2);
    }
    expect(page).not.toMatch(/\*\*|`|\]\(/);
    const errors: string[] = [];
    parseFragment(page, { onParseError: ({ code }) => errors.push(code) });
    expect(errors).toEqual([]);
  });

  test('keep code and the words of links, and say where they are from', () => {
    const { text } = explanations(['W_SQUARE']) as { text: string };
    expect(text).toContain('with <code>selfgrad masking</code> (masking.md); do not quote');
    expect(text).toContain('<p><code>docs/errors.md#w_square</code></p>');
    expect((explanations(['attack-order']) as { text: string }).text).toContain(
      'random &lt; black box &lt; white box',
    );
  });

  test('stand once each, in the order of the page', () => {
    const { text } = explanations(['steps', 'W_THREAT', 'steps']) as { text: string };
    expect([...text.matchAll(/<h3>(.*?)</g)].map(([, name]) => name)).toEqual(['steps', 'W_THREAT']);
  });

  test('are none for names that are nowhere explained, which stay text', () => {
    expect(explanations([])).toBe(false);
    expect(explanations(['W_NEWER', 'constructor'])).toBe(false);
    expect(warningList([{ code: '<b>', message: '<i>' }]).text).toBe(
      '<ul class="warnings"><li><code>&lt;b&gt;</code> &lt;i&gt;</li></ul>',
    );
  });
});
