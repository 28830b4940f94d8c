/** Which images of a split are looked at. */

/** Images `first` … `first + count - 1` of a split. */
export interface ImageRange {
  first: number;
  count: number;
}

/** The `index`-th of `of` parts, counted from 1. */
export interface Shard {
  index: number;
  of: number;
}

/** `2/4` */
export function parseShard(text: string): Shard {
  const [index, of] = text.split('/').map(Number) as [number, number];
  return { index, of };
}

/** The images of a shard: sizes differ by one at most, and together the shards hold each image once. */
export function shardRange(shard: Shard | null, count: number): ImageRange {
  if (shard === null) return { first: 0, count };
  const bound = (index: number) => Math.floor((index * count) / shard.of);
  const first = bound(shard.index - 1);
  return { first, count: bound(shard.index) - first };
}

/** Pieces of at most `size` images. */
export function splitRange({ first, count }: ImageRange, size: number): ImageRange[] {
  return Array.from({ length: Math.max(1, Math.ceil(count / size)) }, (_, i) => ({
    first: first + i * size,
    count: Math.min(size, count - i * size),
  }));
}
