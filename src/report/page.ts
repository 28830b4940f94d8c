/** The frame of every page: one HTML file that needs no other file, and no network unless it is a live page. */
import { createHash } from 'node:crypto';
import { type Content, html, Markup } from './markup.ts';
import { sorting } from './sorting.ts';
import { style } from './style.ts';

/** What a page can do: its script, and the style of what only the script makes. */
export interface PageScript {
  script: string;
  style: string;
  /** Whether it talks to the server that the page came from. */
  connects: boolean;
}

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/**
 * The Content-Security-Policy of a page. Hashes let its own style and script through and no other: text that slipped
 * in as markup stays inert.
 */
export function contentPolicy({ script, style: own, connects }: PageScript): string {
  return [
    "default-src 'none'",
    'img-src data:',
    `style-src ${hash(style + own)}`,
    `script-src ${hash(script)}`,
    ...(connects ? ["connect-src 'self'"] : []),
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
  /** Defaults to tables that sort. */
  script?: PageScript;
}

/** A section with its heading and, where it helps, a sentence on how to read it. */
export function section(id: string, title: string, lead: string | null, content: Content): Markup {
  return html`<section id="${id}"><h2>${title}</h2>${lead !== null && html`<p class="lead">${lead}</p>`}
${content}
</section>`;
}

/** The document: style, charts and script are inline, nothing else is fetched or executed. */
export function renderPage({ title, version, header, main, footer, script = sorting }: Page): string {
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="selfgrad ${version}">
<title>${title} · selfgrad</title>
<style>${new Markup(style + script.style)}</style>
</head>
<body>
<header>
${header}
</header>
<main>
${main}
</main>
<footer>${footer}</footer>
<script>${new Markup(script.script)}</script>
</body>
</html>
`.text;
}
