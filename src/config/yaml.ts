/** YAML, and JSON, which is YAML too. */
import { parseDocument } from 'yaml';

/**
 * The value of a text. What the library only warns of, an unknown tag or directive, is an error here: it means that the
 * text says more than will be done.
 *
 * @throws Error with a line that names what is wrong, and where
 */
export function parseYaml(text: string): unknown {
  // Its own warnings would go to stderr, past every option for it.
  const document = parseDocument(text, { logLevel: 'error' });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw problem;
  return document.toJS();
}
