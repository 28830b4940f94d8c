/** The frame of every page: one HTML file that needs no other file and no network; only a live page has a script. */
import { createHash } from 'node:crypto';
import { type Content, html, Markup } from './markup.ts';
import { style } from './style.ts';

/** What a page that changes while it is looked at has besides: a script, and the style of what only it shows. */
export interface LivePart {
  script: string;
  style: string;
}

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/**
 * The Content-Security-Policy of a page. Hashes let its own style and script through and no other: text that slipped
 * in as markup stays inert. A live page may talk to the server that it came from.
 */
export function contentPolicy(live: LivePart | null = null): string {
  return [
    "default-src 'none'",
    'img-src data:',
    `style-src ${hash(style + (live?.style ?? ''))}`,
    ...(live === null ? [] : [`script-src ${hash(live.script)}`, "connect-src 'self'"]),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

export interface Page {
  title: string;
  /** The version of selfgrad that wrote it. */
  version: string;
  header: Content;
  main: Content;
  footer: Content;
  /** Defaults to null: a page that stays as it is. */
  live?: LivePart | null;
}

/** A section with its heading and, where it helps, a sentence on how to read it. */
export function section(id: string, title: string, lead: string | null, content: Content): Markup {
  return html`<section id="${id}"><h2>${title}</h2>${lead !== null && html`<p class="lead">${lead}</p>`}
${content}
</section>`;
}

/** The document: style and charts are inline, nothing is fetched; nothing is executed but the script of a live page. */
export function renderPage({ title, version, header, main, footer, live = null }: Page): string {
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(live)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="selfgrad ${version}">
<title>${title} · selfgrad</title>
<style>${new Markup(style + (live?.style ?? ''))}</style>
</head>
<body>
<header>
${header}
</header>
<main>
${main}
</main>
<footer>${footer}</footer>${
    live &&
    html`
<script>${new Markup(live.script)}</script>`
  }
</body>
</html>
`.text;
}
