/**
 * What warnings and checks mean: the sections of the documentation that explain them, which come with the package, are
 * put into the page itself. A page can be sent to a machine that has neither the package nor a network.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Warning } from '../evaluation.ts';
import { packageRoot } from '../native/packageRoot.ts';
import { html, type Markup } from './markup.ts';
import { section } from './page.ts';

interface Explanation {
  name: string;
  /** `docs/errors.md#w_square` */
  place: string;
  /** Its paragraphs, in Markdown. */
  paragraphs: string[];
}

const pages = ['docs/errors.md', 'docs/masking.md'];

/** The sections of third rank of a page; one goes on to the next heading. */
function readSections(page: string): Explanation[] {
  const text = readFileSync(join(packageRoot, page), 'utf8');
  return [...text.matchAll(/^### (.+)\n((?:(?!#).*\n)*)/gm)].map(([, name, body]) => ({
    name: name!,
    place: `${page}#${name!.toLowerCase()}`,
    paragraphs: body!.trim().split(/\n(?=\*\*)/),
  }));
}

let known: Map<string, Explanation> | null = null;

function explanationOf(name: string): Explanation | undefined {
  known ??= new Map(pages.flatMap(readSections).map((one) => [one.name, one]));
  return known.get(name);
}

/** The Markdown that the sections are written in: bold, code and links, of which the text is kept. */
function inline(text: string): Markup {
  const pieces = text.split(/(\*\*[^*]+\*\*|`[^`]+`|\[[^\]]+\]\([^)]+\))/);
  return html`${pieces.map((piece) => {
    if (piece.startsWith('**')) return html`<b>${piece.slice(2, -2)}</b>`;
    if (piece.startsWith('`')) return html`<code>${piece.slice(1, -1)}</code>`;
    return /^\[([^\]]+)\]\(/.exec(piece)?.[1] ?? piece;
  })}`;
}

/** A name that leads to what `explanations` says of it; one that is nowhere explained is text. */
export function explainedName(name: string): Markup {
  return explanationOf(name) ? html`<a href="#about-${name}">${name}</a>` : html`${name}`;
}

/** Warnings, each with a link to its explanation. */
export function warningList(warnings: readonly Warning[]): Markup {
  return html`<ul class="warnings">${warnings.map(({ code, message }) => html`<li><code>${explainedName(code)}</code> ${message}</li>`)}</ul>`;
}

/** The section with the explanation of each name, once; false where there is none. */
export function explanations(names: readonly string[]): Markup | false {
  const found = [...new Set(names)].flatMap((name) => explanationOf(name) ?? []);
  if (found.length === 0) return false;
  return section(
    'explanations',
    'Explanations',
    'What is warned of and checked above, as the documentation of selfgrad has it.',
    html`<div class="explanations">${found.map(({ name, place, paragraphs }) => html`<div id="about-${name}"><h3>${name}</h3>${paragraphs.map((text) => html`<p>${inline(text)}</p>`)}<p><code>${place}</code></p></div>`)}</div>`,
  );
}
