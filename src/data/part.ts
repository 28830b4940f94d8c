/** Parts of a set: the first images, a stratified draw, and images of train that are held out for validation. */
import { sentence } from '../config/option.ts';
import { SelfgradError } from '../errors.ts';
import type { ImageShape } from './decodeBatch.ts';
import { partOf } from './derivedSource.ts';
import type { ImageBatch, Source } from './source.ts';
import { drawStratified } from './stratified.ts';
import { takeFirst } from './takeFirst.ts';

export interface PartOptions {
  /** Take so many images. Defaults to null: all. */
  limit?: number | null;
  /** Which: the first ones, or of each class its share, drawn. Defaults to `first`. */
  pick?: Pick;
  /** Images of train to hold out, stratified: a count, or a share below 1. Defaults to null: none. */
  validation?: number | null;
  /** True takes the images that are held out, false those that are left. Defaults to false. */
  heldOut?: boolean;
  /** Key of the draws, an integer in [0, 2^53). Defaults to 0. */
  drawSeed?: number;
}

export type Pick = 'first' | 'stratified';

export const picks = ['first', 'stratified'] as const satisfies readonly Pick[];

/**
 * The part of `source` that is asked for; what is held out depends on `validation` and `drawSeed` alone, not on
 * `limit`. Only the train split is held out from.
 * Errors: `ERR_OPTION`, and where labels must be read first, those of the source.
 */
export async function takePart(source: Source, options: PartOptions): Promise<Source> {
  const { limit = null, pick = 'first', heldOut = false, drawSeed = 0 } = options;
  const validation = source.split === 'train' ? (options.validation ?? null) : null;
  check(picks.includes(pick), 'first or stratified', 'data.pick', pick);
  check(Number.isSafeInteger(drawSeed) && drawSeed >= 0, 'an integer >= 0', 'data.drawSeed', drawSeed);
  if (validation === null && (limit === null || pick === 'first'))
    return limit === null ? source : takeFirst(source, limit);
  const labels = await readLabels(source);
  let places = Array.from(labels, (_, place) => place);
  const notes = source.note === null ? [] : [source.note];
  if (validation !== null) {
    const count = heldOutCount(validation, source.count);
    const held = drawStratified(places, labels, count, drawSeed, 'validation');
    const apart = new Set(held);
    places = heldOut ? held : places.filter((place) => !apart.has(place));
    const images = `${count} of ${source.count} train images`;
    notes.push(heldOut ? `${images}, held out (seed ${drawSeed})` : `${images} held out (seed ${drawSeed})`);
  }
  if (limit !== null) {
    const most = places.length;
    check(
      Number.isInteger(limit) && limit >= 1 && limit <= most,
      `an integer from 1 to ${most}`,
      'the number of images',
      limit,
    );
    if (pick === 'stratified' && limit < most) notes.push(`a stratified draw of ${limit} (seed ${drawSeed})`);
    places =
      pick === 'first' ? places.slice(0, limit) : drawStratified(places, labels, limit, drawSeed, 'pick');
  }
  const chosen = places;
  return partOf(source, chosen, () => chosenBatches(source, chosen), { note: notes.join('; ') || null });
}

/** Without decoding images where the source knows its labels. */
async function readLabels(source: Source): Promise<Int32Array> {
  if (source.labels) return source.labels();
  const labels = new Int32Array(source.count);
  let read = 0;
  for await (const batch of source) {
    labels.set(batch.labels.subarray(0, source.count - read), read);
    read += batch.labels.length;
    if (read >= source.count) break;
  }
  return labels;
}

function heldOutCount(validation: number, count: number): number {
  const share = validation > 0 && validation < 1;
  const images = share ? Math.max(1, Math.round(validation * count)) : validation;
  const fits = Number.isInteger(images) && images >= 1 && images < count;
  check(fits, `a share in (0, 1) or an integer from 1 to ${count - 1}`, 'data.validation', validation);
  return images;
}

/** @param places ascending */
export async function* chosenBatches(
  source: ImageShape & AsyncIterable<ImageBatch>,
  places: ArrayLike<number>,
): AsyncGenerator<ImageBatch, void> {
  const imageBytes = source.channels * source.height * source.width;
  let next = 0;
  let first = 0;
  for await (const { images, labels } of source) {
    const begin = next;
    while (next < places.length && (places[next] as number) < first + labels.length) next++;
    const here = Array.from({ length: next - begin }, (_, i) => (places[begin + i] as number) - first);
    const chosen = new Uint8Array(here.length * imageBytes);
    for (const [i, at] of here.entries())
      chosen.set(images.subarray(at * imageBytes, (at + 1) * imageBytes), i * imageBytes);
    if (here.length > 0) {
      yield {
        images: chosen,
        labels: Int32Array.from(here, (at) => labels[at] as number),
        indices: Int32Array.from(here, (_, i) => begin + i),
      };
    }
    if (next === places.length) return;
    first += labels.length;
  }
}

function check(holds: boolean, expected: string, path: string, value: unknown): void {
  if (!holds) throw new SelfgradError('ERR_OPTION', sentence(expected, path, value));
}
