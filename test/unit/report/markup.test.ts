import fc from 'fast-check';
import { parseFragment } from 'parse5';
import { describe, expect, test } from 'vitest';
import { escapeText, html } from '../../../src/report/markup.ts';

describe('html', () => {
  test('escapes text between tags and in attributes, and keeps markup as it is', () => {
    const inner = html`<b title="${'"x"'}">${'<i>&'}</b>`;
    expect(html`<p>${inner}</p>`.text).toBe('<p><b title="&quot;x&quot;">&lt;i&gt;&amp;</b></p>');
  });

  test('joins lists, and leaves nothing for null, undefined and false', () => {
    expect(html`${['a', ['<', 1]]}${null}${undefined}${false}${0}`.text).toBe('a&lt;10');
  });

  test('any text comes back from an HTML parser as one text and one attribute, free of forbidden characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const errors: string[] = [];
        const tree = parseFragment(html`<p title="${text}">${text}</p>`.text, {
          onParseError: ({ code }) => errors.push(code),
        });
        const paragraph = tree.childNodes[0]!;
        if (!('attrs' in paragraph)) throw new Error('no element');
        const expected = text.replace(/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/gu, (character) =>
          '\t\n'.includes(character) ? character : '\ufffd',
        );
        expect(errors).toEqual([]);
        expect(tree.childNodes).toHaveLength(1);
        expect(paragraph.attrs).toEqual([{ name: 'title', value: expected }]);
        expect(paragraph.childNodes.map((node) => ('value' in node ? node.value : node))).toEqual(
          expected === '' ? [] : [expected],
        );
      }),
    );
  });
});

describe('escapeText', () => {
  test('replaces control characters that HTML does not allow', () => {
    expect(escapeText('a\u0000b\u001bc\td\ne')).toBe('a\ufffdb\ufffdc\td\ne');
  });
});
