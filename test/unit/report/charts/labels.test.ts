import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { spread, textWidth, thinByRank, thinEvenly } from '../../../../src/report/charts/labels.ts';

describe('spread', () => {
  test('leaves labels that do not touch where they are', () => {
    expect(spread([10, 90, 50], 15, 0, 100)).toEqual([10, 90, 50]);
  });

  test('moves labels apart downwards, and up again at the lower end', () => {
    expect(spread([50, 52], 15, 0, 100)).toEqual([50, 65]);
    expect(spread([98, 99], 15, 0, 100)).toEqual([85, 100]);
  });

  test('keeps the gap, the order and the range wherever there is room', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { maxLength: 7 }), (positions) => {
        const placed = spread(positions, 15, 0, 100);
        for (const [index, place] of placed.entries()) {
          expect(place).toBeGreaterThanOrEqual(-1e-9);
          expect(place).toBeLessThanOrEqual(100);
          for (const [other, otherPlace] of placed.entries()) {
            if (other === index) continue;
            expect(Math.abs(place - otherPlace)).toBeGreaterThanOrEqual(15 - 1e-9);
            if (positions[index]! < positions[other]!) expect(place).toBeLessThan(otherPlace);
          }
        }
      }),
    );
  });
});

const ticks = fc.array(
  fc.record({ at: fc.integer({ min: 0, max: 400 }), text: fc.constantFrom('0', '8/255', '100k') }),
  { minLength: 1, maxLength: 40 },
);

/** Whether two neighbours cover each other. */
function overlap(kept: readonly { at: number; text: string }[]): boolean {
  const edges = kept
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, text }) => [at - textWidth(text, 12) / 2, at + textWidth(text, 12) / 2] as const);
  return edges.some(([, right], index) => index + 1 < edges.length && edges[index + 1]![0] < right);
}

describe('thinEvenly', () => {
  test('keeps everything that fits, else every n-th counted from the last', () => {
    const wide = [0, 100, 200].map((at) => ({ at, text: '1' }));
    expect(thinEvenly(wide, 12)).toEqual(wide);
    const dense = [1, 2, 3, 4, 5, 6].map((epoch) => ({ at: epoch * 8, text: String(epoch) }));
    expect(thinEvenly(dense, 12).map(({ text }) => text)).toEqual(['2', '4', '6']);
  });

  test('keeps the last, and nothing overlaps', () => {
    fc.assert(
      fc.property(ticks, (texts) => {
        const sorted = texts.toSorted((a, b) => a.at - b.at);
        const kept = thinEvenly(sorted, 12);
        return kept.at(-1) === sorted.at(-1) && !overlap(kept);
      }),
    );
  });
});

describe('thinByRank', () => {
  test('keeps the first of the list, and nothing overlaps', () => {
    fc.assert(
      fc.property(ticks, (texts) => {
        const kept = thinByRank(texts, 12);
        return kept[0] === texts[0] && !overlap(kept);
      }),
    );
  });
});
