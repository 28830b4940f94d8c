import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DefaultTreeAdapterMap, parse } from 'parse5';
import { afterAll, describe, expect, test } from 'vitest';
import { type ReportInput, renderReport } from '../../../src/report/html.ts';
import { type MaskingFindings, readMasking } from '../../../src/report/masking.ts';
import { evaluationFixture, historyFixture, suiteFixture } from './fixture.ts';

type Element = DefaultTreeAdapterMap['element'];

/** Parses a document; the second value lists what a strict reader of HTML objects to. */
function read(document: string): { elements: Element[]; errors: string[] } {
  const errors: string[] = [];
  const elements: Element[] = [];
  const visit = (node: DefaultTreeAdapterMap['node']): void => {
    if ('tagName' in node) elements.push(node);
    if ('childNodes' in node) node.childNodes.forEach(visit);
  };
  visit(
    parse(document, { onParseError: ({ code, startLine }) => errors.push(`${code} in line ${startLine}`) }),
  );
  return { elements, errors };
}

function attribute(element: Element, name: string): string | undefined {
  return element.attrs.find((each) => each.name === name)?.value;
}

function sectionIds(document: string): (string | undefined)[] {
  return read(document)
    .elements.filter(({ tagName }) => tagName === 'section')
    .map((element) => attribute(element, 'id'));
}

const full: ReportInput = {
  evaluation: evaluationFixture(),
  history: historyFixture(3),
  config: { train: { lr: 0.1 }, note: '</code><script>alert(1)</script>' },
};

describe('renderReport', () => {
  test('is well-formed HTML with unique ids', () => {
    const { elements, errors } = read(renderReport(full));
    expect(errors).toEqual([]);
    const ids = elements.map((element) => attribute(element, 'id')).filter((id) => id !== undefined);
    expect(new Set(ids).size).toBe(ids.length);
    expect(attribute(elements.find(({ tagName }) => tagName === 'html')!, 'lang')).toBe('en');
  });

  test('has every section, the important first', () => {
    expect(sectionIds(renderReport(full))).toEqual([
      'warnings',
      'attacks',
      'eps',
      'outcomes',
      'training',
      'classes',
      'examples',
      'provenance',
      'explanations',
    ]);
  });

  test('shows the checks for masking, of the same network only', () => {
    const masking: MaskingFindings = {
      model: { sha256: 'cd34'.repeat(16) },
      data: { count: 200 },
      threat: full.evaluation.threat,
      checks: [
        { name: 'steps', raised: false, evidence: 'five times as many steps break 0.5 points more' },
        { name: 'zero-gradient', raised: true, evidence: '12.0 % of the gradients are zero <b>' },
      ],
      verdict: 'suspect',
    };
    const text = renderReport({ ...full, masking });
    expect(sectionIds(text)).toEqual(sectionIds(renderReport(full)).toSpliced(2, 0, 'masking'));
    expect(read(text).errors).toEqual([]);
    expect(text).toContain('Suspect: zero-gradient.');
    const trust = /<p class="trust">(.*?)<\/p>/;
    expect(trust.exec(text)![1]).toBe(
      '<a href="#warnings">1 warning</a> · <a href="#masking">gradient masking: <b class="wrong">suspect</b></a>, 1 of 2 checks raised',
    );
    expect(trust.exec(renderReport(full))![1]).toContain('gradient masking: not checked');
    expect(text).toContain('<th scope="row"><a href="#about-zero-gradient">zero-gradient</a></th>');
    expect(text).toContain('docs/masking.md#zero-gradient');
    expect(text).toContain('12.0 % of the gradients are zero &lt;b&gt;');
    expect(text.match(/>not raised</g)).toHaveLength(1);
    const quiet = { ...masking, checks: masking.checks.slice(0, 1), verdict: 'no sign' as const };
    expect(renderReport({ ...full, masking: quiet })).toContain('No sign of masking, which proves nothing');
    const other = renderReport({ ...full, masking: { ...masking, model: { sha256: null } } });
    expect(other).toContain('is of another network');
    expect(other).not.toContain('zero-gradient');
  });

  test('leaves out what is not there', () => {
    const bare = evaluationFixture({
      epsCurve: null,
      examples: [],
      perClass: [],
      warnings: [],
      command: null,
    });
    bare.images = {
      ...bare.images,
      brokenBy: [-1, -2, -1],
      steps: [null, null, null],
      margins: [null, null, null],
    };
    bare.model = { ...bare.model, path: null, strategy: null };
    const document = renderReport({ evaluation: bare, history: [], config: null });
    expect(sectionIds(document)).toEqual(['attacks', 'provenance']);
    expect(document).not.toMatch(/Reproduce|Configuration|trained with|model file|null|undefined|NaN/);
    expect(read(document).errors).toEqual([]);
  });

  test('leaves out an eps curve without points', () => {
    const evaluation = evaluationFixture({ epsCurve: { attack: 'pgd', count: 0, points: [] } });
    expect(sectionIds(renderReport({ ...full, evaluation }))).not.toContain('eps');
  });

  test('claims no robustness when no attack was run', () => {
    const document = renderReport({ ...full, evaluation: evaluationFixture({ attacks: [] }) });
    expect(document).toContain('No attack was run: nothing is known.');
    expect(document).not.toContain('worst case');
    expect(sectionIds(document)).not.toContain('examples');
  });

  test('names a suite after its attacks', () => {
    const document = renderReport({ ...full, evaluation: evaluationFixture({ suites: [suiteFixture] }) });
    expect(document).toContain(
      'autoattack<small>standard: what pgd, cw-l2, run as a cascade, left standing</small>',
    );
    expect(document.indexOf('autoattack<small>')).toBeGreaterThan(document.indexOf('cw-l2<small>'));
  });

  test('shows clean and robust accuracy with their intervals, and eps as it was written', () => {
    const document = renderReport(full);
    expect(document).toContain('84.12<span> %</span>');
    expect(document).toContain('83.39 … 84.82 % (95 % interval)');
    expect(document).toContain('52.31<span> %</span>');
    expect(document).toContain('worst case over 2 attacks, L∞ ≤ 8/255');
  });

  test('tells where the numbers come from', () => {
    const document = renderReport(full);
    for (const fact of [
      'ab12'.repeat(16),
      'JPEG copy',
      'small-cnn, 12 345 parameters',
      'selfgrad 0.1.0, LibTorch 2.11.0, Node 20.19.0',
      'Example CPU, 2 cores, 1 thread used',
      'selfgrad eval runs/a --seed 3',
      '&quot;lr&quot;: 0.1',
      '2026-01-02T03:04:05Z',
    ]) {
      expect(document).toContain(fact);
    }
  });

  test('asks nothing of the network and runs nothing but its own script', () => {
    const document = renderReport(full);
    expect(document).not.toMatch(/https?:\/\//);
    const { elements } = read(document);
    expect(elements.filter(({ tagName }) => ['link', 'iframe', 'object', 'base'].includes(tagName))).toEqual(
      [],
    );
    const scripts = elements.filter(({ tagName }) => tagName === 'script');
    expect(scripts.map(({ attrs }) => attrs)).toEqual([[]]);
    const ids = elements.map((element) => attribute(element, 'id'));
    for (const element of elements) {
      for (const { name, value } of element.attrs) {
        expect(name).not.toMatch(/^on|^style$/);
        if (name === 'href') expect(ids).toContain(value.slice(1));
        if (name === 'href') expect(value).toMatch(/^#/);
        if (name === 'src') expect(value).toMatch(/^data:image\/png;base64,/);
      }
    }
  });

  test('has a policy that allows its own style sheet, script and images only', () => {
    const document = renderReport(full);
    const hashOf = (tag: string) => {
      const [, text] = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(document)!;
      return `'sha256-${createHash('sha256').update(text!).digest('base64')}'`;
    };
    const policy = read(document).elements.find(
      (element) => attribute(element, 'http-equiv') === 'Content-Security-Policy',
    );
    expect(attribute(policy!, 'content')).toBe(
      `default-src 'none'; img-src data:; style-src ${hashOf('style')}; script-src ${hashOf('script')}; base-uri 'none'; form-action 'none'`,
    );
  });

  test('shows hostile names as text', () => {
    const hostile = '"><img src=x onerror=alert(1)></title></style><script>alert(1)</script>';
    const evaluation = evaluationFixture({ device: hostile, createdAt: hostile, command: hostile });
    evaluation.data = { ...evaluation.data, name: hostile, note: hostile, classes: [hostile, hostile] };
    evaluation.model = {
      architecture: hostile,
      parameters: 1,
      path: hostile,
      strategy: hostile,
      sha256: hostile,
    };
    evaluation.threat.epsText = hostile;
    evaluation.attacks = evaluation.attacks.map((attack) => ({
      ...attack,
      name: hostile,
      options: { [hostile]: hostile },
    }));
    evaluation.examples = evaluation.examples.map((example) => ({ ...example, attack: hostile }));
    evaluation.epsCurve = { ...evaluation.epsCurve!, attack: hostile };
    evaluation.warnings.push({ code: hostile, message: hostile });
    const document = renderReport({ evaluation, history: full.history, config: { [hostile]: hostile } });
    const { elements, errors } = read(document);
    expect(errors).toEqual([]);
    const plain = read(renderReport(full)).elements;
    const tags = (list: Element[]): string[] =>
      list.map(({ tagName }) => tagName).filter((tag) => tag !== 'line');
    expect(new Set(tags(elements))).toEqual(new Set(tags(plain)));
    expect(elements.filter(({ tagName }) => tagName === 'img')).toHaveLength(4);
    expect(elements.flatMap(({ attrs }) => attrs).filter(({ name }) => name.startsWith('on'))).toEqual([]);
  });

  test('sorts attacks and classes by numbers, and keeps the worst case last', () => {
    const document = renderReport({ ...full, evaluation: evaluationFixture({ suites: [suiteFixture] }) });
    const tables = [...document.matchAll(/<table class="sortable">.*?<\/table>/gs)].map(([text]) => text);
    expect(tables.map((text) => /<caption>(.*?)</.exec(text)![1])).toEqual([
      'Accuracy under each attack',
      'Each epoch of training',
      'Accuracy of each class',
    ]);
    const values = (text: string) =>
      [...text.matchAll(/<tr.*?<\/tr>/gs)].map(([row]) =>
        [...row.matchAll(/<td(?: class="rate")?(?: data-value="([^"]*)")?>/g)].map(([, value]) => value),
      );
    const [body, foot] = tables[0]!.split('<tfoot>');
    expect(values(body!.split('<tbody>')[1]!)).toEqual([
      ['0.8412', undefined, undefined, undefined, undefined, undefined],
      ['0.524', '8412', '3172', '840000', '838000', '41.23'],
      ['0.5231', '5240', '9', '52000', '0', '700'],
      ['0.5231', '8412', '3181', '892000', '838000', '741.23'],
    ]);
    expect(foot).toContain('worst case');
    expect(values(foot!)).toHaveLength(1);
    expect(values(tables[1]!.split('<tbody>')[1]!)[1]).toEqual(['1600', '8', '0.25', '0.5', '0.7', '0.4']);
    expect(values(tables[2]!.split('<tbody>')[1]!)).toEqual([
      ['0.86', '0.54', '5000'],
      ['0.8224', '0.5062', '5000'],
    ]);
  });

  test('gives every table heads with a scope and a caption', () => {
    const { elements } = read(renderReport(full));
    const heads = elements.filter(({ tagName }) => tagName === 'th');
    expect(heads.every((head) => ['col', 'row'].includes(attribute(head, 'scope') ?? ''))).toBe(true);
    const count = (tag: string): number => elements.filter(({ tagName }) => tagName === tag).length;
    expect(count('table')).toBe(4);
    expect(count('caption')).toBe(4);
  });

  test('gives every image a text and every chart a title and a description', () => {
    const { elements } = read(renderReport(full));
    const ids = new Set(elements.map((element) => attribute(element, 'id')));
    for (const element of elements) {
      if (element.tagName === 'img') expect(attribute(element, 'alt')).toMatch(/\w/);
      if (element.tagName !== 'svg' || attribute(element, 'aria-hidden') === 'true') continue;
      const named = attribute(element, 'aria-labelledby')!.split(' ');
      expect(named).toHaveLength(2);
      expect(named.every((id) => ids.has(id))).toBe(true);
    }
  });
});

describe('readMasking', () => {
  const folder = mkdtempSync(join(tmpdir(), 'selfgrad-masking-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('is null without a file, and refuses another one', async () => {
    const path = join(folder, 'masking.json');
    expect(await readMasking(path)).toBeNull();
    for (const [text, wrong] of [
      ['{', 'JSON'],
      ['{"schema":"selfgrad.masking/2"}', 'schema is wrong'],
    ] as const) {
      writeFileSync(path, text);
      await expect(readMasking(path)).rejects.toMatchObject({
        code: 'ERR_DATA',
        message: expect.stringContaining(wrong),
      });
    }
  });
});
