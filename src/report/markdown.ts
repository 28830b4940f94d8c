/** Markdown (GitHub's) from values that may be hostile: what users and files name can neither format nor link. */

/** One line, without control characters. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ').trim();
}

/** The longest run of backticks in a text. */
function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
}

/** A name, path or number as it is: nothing inside acts. */
export function code(text: string): string {
  const content = oneLine(text) || ' ';
  const fence = '`'.repeat(longestRun(content) + 1);
  const pad = /^`|`$/.test(content) ? ' ' : '';
  return `${fence}${pad}${content}${pad}${fence}`;
}

/** A sentence with names in it. Addresses stay text, too. */
export function prose(text: string): string {
  return oneLine(text)
    .replace(/[\\`*_[\]<>&|~#$]/g, '\\$&')
    .replaceAll('://', ':\\/\\/')
    .replace(/\bwww\./gi, (start) => `${start.slice(0, -1)}\\.`);
}

/** A block that is shown as it is. */
export function fenced(language: string, text: string): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${text.replace(/\n$/, '')}\n${fence}`;
}

/** A table; the cells are Markdown already. All columns but the first are set to the right where `figures` is true. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], figures = true): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  const rule = head.map((_, column) => (figures && column > 0 ? '---:' : '---'));
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** A bar ends a cell, even inside code, unless it is escaped. */
function cell(markdown: string): string {
  return markdown.replace(/\\?\|/g, '\\|');
}

export function bullets(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n');
}
