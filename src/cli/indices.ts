/** `--index 0..9,17`: images by their place in a split. */
import { InvalidArgumentError } from 'commander';

/** More are better attacked by `eval`: each image becomes two files. */
const most = 1000;

/** Reads a list of indices and inclusive ranges, in the order given, without repeats. */
export function parseIndices(text: string): number[] {
  const indices = text.split(',').flatMap((part) => {
    const match = /^(\d{1,9})(?:\.\.(\d{1,9}))?$/.exec(part.trim());
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last < first || last - first >= most) throw refusal(text);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  if (indices.length > most) throw refusal(text);
  return [...new Set(indices)];
}

function refusal(text: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `Expected indices such as 0..9 or 3,5,8 (at most ${most}) for --index but received '${text}'.`,
  );
}
