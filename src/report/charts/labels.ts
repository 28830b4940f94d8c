/** Where text goes in a chart so that no two pieces cover each other. */

/**
 * Moves label positions apart: neighbours keep `gap`, order is kept, and all stay in [low, high] as long as
 * there is room. The result is in the order of the input.
 */
export function spread(positions: readonly number[], gap: number, low: number, high: number): number[] {
  const order = positions.map((_, index) => index).sort((a, b) => positions[a]! - positions[b]!);
  const placed = [...positions];
  let limit = low;
  for (const index of order) {
    placed[index] = Math.max(placed[index]!, limit);
    limit = placed[index]! + gap;
  }
  limit = high;
  for (const index of order.reverse()) {
    placed[index] = Math.min(placed[index]!, limit);
    limit = placed[index]! - gap;
  }
  return placed;
}

/** About how wide a text is drawn in pixels, in the sans-serif of the report. */
export function textWidth(text: string, fontSize: number): number {
  return text.length * fontSize * 0.56;
}

/** A text centred at a place along the axis. */
export interface PlacedText {
  at: number;
  text: string;
}

/** Whether all texts fit side by side, with a little air between them. */
function fits(texts: readonly PlacedText[], fontSize: number): boolean {
  const sorted = texts.toSorted((a, b) => a.at - b.at);
  return sorted.every(({ at, text }, index) => {
    const next = sorted[index + 1];
    const needed = next && (textWidth(text, fontSize) + textWidth(next.text, fontSize)) / 2 + fontSize * 0.6;
    return needed === undefined || next!.at - at >= needed;
  });
}

/** Every n-th text counted from the last, with the smallest n for which they fit: regular steps stay regular. */
export function thinEvenly<T extends PlacedText>(texts: readonly T[], fontSize: number): readonly T[] {
  for (let step = 1; step < texts.length; step++) {
    const kept = texts.filter((_, index) => (texts.length - 1 - index) % step === 0);
    if (fits(kept, fontSize)) return kept;
  }
  return texts.slice(-1);
}

/** The texts that fit, the earlier in the list before the later: for places that are not regular. */
export function thinByRank<T extends PlacedText>(texts: readonly T[], fontSize: number): readonly T[] {
  const kept: T[] = [];
  for (const text of texts) {
    kept.push(text);
    if (!fits(kept, fontSize)) kept.pop();
  }
  return kept;
}
