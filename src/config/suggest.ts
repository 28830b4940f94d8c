/** "Did you mean": the candidate nearest to a misspelt word. */

/** Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, before[j - 2]! + 1);
      row.push(best);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}

/** Letters only, lower case: `batch-size`, `batch_size` and `batchSize` are one word. */
function plain(word: string): string {
  return word.toLowerCase().replace(/[-_\s]/g, '');
}

/**
 * The candidate that is nearest to `word`, or undefined when none is near: at most a third of its letters
 * (but at least one) may differ, or one of the two begins with the other.
 */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  const wanted = plain(word);
  let best: { candidate: string; cost: number } | undefined;
  for (const candidate of candidates) {
    const known = plain(candidate);
    const cost = distance(wanted, known);
    const prefix = wanted.length >= 3 && (known.startsWith(wanted) || wanted.startsWith(known));
    const allowed = Math.max(1, Math.floor(Math.max(wanted.length, known.length) / 3));
    if (
      (cost <= allowed || prefix) &&
      cost < Math.max(wanted.length, known.length) &&
      (!best || cost < best.cost)
    ) {
      best = { candidate, cost };
    }
  }
  return best?.candidate;
}
