/** Draws images by class: equal arguments give equal images, whatever batches and threads. */
import { createHash } from 'node:crypto';

/**
 * The places, ascending, of `count` images, of each class as large a share as it has of all: the quotas are rounded
 * by largest remainder, ties to the lower class. Within a class, the images with the smallest keys are taken; a key
 * depends on seed, purpose and place alone.
 *
 * @param places of the images among which is drawn
 * @param labels of all images, by place
 * @param count 0 … places.length
 */
export function drawStratified(
  places: readonly number[],
  labels: ArrayLike<number>,
  count: number,
  seed: number,
  purpose: string,
): number[] {
  const classes = new Map<number, number[]>();
  for (const place of places) {
    const label = labels[place] as number;
    const own = classes.get(label);
    if (own) own.push(place);
    else classes.set(label, [place]);
  }
  const strata = [...classes.entries()].sort(([a], [b]) => a - b).map(([, own]) => own);
  const quotas = largestRemainders(
    strata.map(({ length }) => length),
    count,
  );
  return strata
    .flatMap((own, i) => smallest(own, quotas[i] as number, `${purpose},${seed}`))
    .sort((a, b) => a - b);
}

/** `count` shared out in proportion to `sizes`, none more than its size. */
function largestRemainders(sizes: readonly number[], count: number): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  // Whole numbers throughout: a fraction in floating point could fall on the other side of a tie.
  const quotas = sizes.map((size) => Math.floor((size * count) / total));
  const remainders = sizes.map((size, i) => ({ i, rest: (size * count) % total }));
  remainders.sort((a, b) => b.rest - a.rest || a.i - b.i);
  const left = count - quotas.reduce((sum, quota) => sum + quota, 0);
  for (const { i } of remainders.slice(0, left)) quotas[i] = (quotas[i] as number) + 1;
  return quotas;
}

function smallest(places: readonly number[], count: number, key: string): number[] {
  if (count === places.length) return [...places];
  const keyed = places.map((place) => ({
    place,
    key: createHash('sha256').update(`${key},${place}`).digest().readUIntBE(0, 6),
  }));
  keyed.sort((a, b) => a.key - b.key || a.place - b.place);
  return keyed.slice(0, count).map(({ place }) => place);
}
