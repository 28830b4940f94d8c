/** The frame of every page: one HTML file that needs no other file, no script and no network. */
import { createHash } from 'node:crypto';
import { type Content, html, Markup } from './markup.ts';
import { style } from './style.ts';

/** The hash lets this style sheet through and no other: text that slipped in as markup stays inert. */
const policy = [
  "default-src 'none'",
  'img-src data:',
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

export interface Page {
  title: string;
  /** The version of selfgrad that wrote it. */
  version: string;
  header: Content;
  main: Content;
  footer: Content;
}

/** A section with its heading and, where it helps, a sentence on how to read it. */
export function section(id: string, title: string, lead: string | null, content: Content): Markup {
  return html`<section id="${id}"><h2>${title}</h2>${lead !== null && html`<p class="lead">${lead}</p>`}
${content}
</section>`;
}

/** The document: style and charts are inline, nothing is fetched, nothing is executed. */
export function renderPage({ title, version, header, main, footer }: Page): string {
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="selfgrad ${version}">
<title>${title} · selfgrad</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header>
${header}
</header>
<main>
${main}
</main>
<footer>${footer}</footer>
</body>
</html>
`.text;
}
