/** Markdown from hostile text. What GitHub's renderer would make of it is checked through its rules. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { code, fenced, prose, table } from '../../../src/report/markdown.ts';

describe('code', () => {
  it.each([
    ['cat', '`cat`'],
    ['a`b', '``a`b``'],
    ['`', '`` ` ``'],
    ['', '` `'],
    ['two\nlines\u2028and\u0000more', '`two lines and more`'],
    ['<img src=x onerror=alert(1)>', '`<img src=x onerror=alert(1)>`'],
  ])('%j is %j', (text, markdown) => {
    expect(code(text)).toBe(markdown);
  });

  it('holds any text: its fence is longer than any inside, on one line', () => {
    const hostile = fc.string({ unit: fc.constantFrom('`', 'a', ' ', '\n', '|', '<') });
    fc.assert(
      fc.property(hostile, (text) => {
        const [, fence, content] = /^(`+)(.*?)\1$/s.exec(code(text))!;
        const inside = [...content!.matchAll(/`+/g)].map(([run]) => run.length);
        expect(inside).not.toContain(fence!.length);
        expect(content).not.toContain('\n');
      }),
    );
  });
});

describe('prose', () => {
  it.each([
    ['<script>', '\\<script\\>'],
    ['[a](https://evil.example)', '\\[a\\](https:\\/\\/evil.example)'],
    ['WWW.evil.example', 'WWW\\.evil.example'],
    ['**bold** _it_ ~no~ `x` &lt;', '\\*\\*bold\\*\\* \\_it\\_ \\~no\\~ \\`x\\` \\&lt;'],
    ['a | b\n# c', 'a \\| b \\# c'],
  ])('%j is %j', (text, markdown) => {
    expect(prose(text)).toBe(markdown);
  });
});

it('table: a bar inside a cell does not end it, and one that is escaped stays so', () => {
  expect(table(['a', 'b'], [[code('x|y'), prose('1|2')]])).toBe(
    '| a | b |\n| --- | ---: |\n| `x\\|y` | 1\\|2 |',
  );
});

it('fenced: backticks inside do not end the block', () => {
  expect(fenced('sh', 'echo ```\n')).toBe('````sh\necho ```\n````');
});
