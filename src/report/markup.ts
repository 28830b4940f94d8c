/**
 * HTML and SVG by tagged template. Every value that is put in is escaped unless it is itself `Markup`, so
 * text from users (class names, paths, configuration) cannot become markup by forgetting a call.
 */

/** A piece of finished HTML or SVG. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** What a template accepts: text and numbers are escaped; null, undefined and false leave nothing. */
export type Content = Markup | string | number | null | undefined | false | readonly Content[];

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** C0 controls (but tab and line ends), DEL, C1 controls, non-characters: not allowed in HTML. */
const forbidden = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/gu;

/** Text that is safe between tags and inside quoted attributes. */
export function escapeText(text: string): string {
  return text
    .replace(forbidden, (character) => ('\t\n'.includes(character) ? character : '\ufffd'))
    .replace(/[&<>"']/g, (character) => entities[character]!);
}

function render(content: Content): string {
  if (content === null || content === undefined || content === false) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'string') return escapeText(content);
  if (typeof content === 'number') return String(content);
  return content.map(render).join('');
}

/**
 * Builds markup; attribute values must stand in double quotes.
 *
 * @example html`<td>${className}</td>`
 */
export function html(strings: TemplateStringsArray, ...values: Content[]): Markup {
  let text = strings[0]!;
  for (const [index, value] of values.entries()) text += render(value) + strings[index + 1]!;
  return new Markup(text);
}
