/**
 * Decoded images kept in the user's cache, a file for each set, named by a hash of all that its images depend on: a
 * folder of JPEGs is decoded once. A file that is damaged, or of another version, is removed with a note, and made anew.
 */
import { rm, utimes } from 'node:fs/promises';
import { checkedBatches } from './checkedBatches.ts';
import { derivedSource } from './derivedSource.ts';
import { fileBytes, type ImagesFacts, ImagesFile } from './imagesFile.ts';
import { defaultMaxBytes, ImagesWriter, keptPath } from './imagesWriter.ts';
import type { FileRequest, ImageBatch, Source } from './source.ts';

/** The file that holds the decoded images of a source, checked, or null when there is none. */
export async function findDecoded(source: Source): Promise<string | null> {
  const facts = await factsOf(source);
  const file = facts && (await openKept(facts));
  await file?.close();
  return file ? keptPath(file.facts.key) : null;
}

/**
 * The same images: from the cache when they are in it, else decoded, and kept once all have been read. What goes wrong
 * with keeping them stops nothing. Errors: those of the source.
 */
export function withDecodedCache(source: Source, maxBytes: number = defaultMaxBytes): Source {
  if (!source.contentKey) return source;
  const { labels, contentKey } = source;
  return {
    ...derivedSource(source, () => batches(source, maxBytes)),
    contentKey,
    ...(labels && { labels }),
    async file(request: FileRequest) {
      const facts = (await factsOf(source)) as ImagesFacts;
      const file =
        (await openKept(facts, request.signal)) ??
        (request.make ? await writeImages(source, facts, request) : null);
      return file && { file, places: null };
    },
  };
}

/** Writes all images to a file, kept if `facts` have a key. Errors: `ERR_WRITE`, and those of `checkedBatches`. */
export async function writeImages(
  source: Source,
  facts: ImagesFacts,
  { signal, onProgress }: FileRequest,
): Promise<ImagesFile> {
  const writer = await ImagesWriter.begin(facts);
  try {
    let written = 0;
    for await (const batch of checkedBatches(source)) {
      signal?.throwIfAborted();
      await writer.add(batch);
      written += batch.labels.length;
      onProgress?.(written, source.count);
    }
    return await writer.finish();
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

async function factsOf(source: Source): Promise<ImagesFacts | null> {
  const key = await source.contentKey?.();
  if (key === undefined) return null;
  const { count, channels, height, width } = source;
  return { key, count, channels, height, width };
}

async function* batches(source: Source, maxBytes: number): AsyncGenerator<ImageBatch, void> {
  const facts = (await factsOf(source)) as ImagesFacts;
  const file = await openKept(facts);
  if (file) {
    try {
      yield* file.batches();
    } finally {
      await file.close();
    }
    return;
  }
  let writer =
    fileBytes(facts) <= maxBytes ? await ImagesWriter.begin(facts, maxBytes).catch(() => null) : null;
  try {
    for await (const batch of source) {
      // Kept before the last batch is handed over: its reader may ask for nothing more.
      if (writer && !(await kept(writer, batch))) writer = null;
      yield batch;
    }
  } finally {
    await writer?.discard();
  }
}

/** False once there is nothing more to write: the file is in its place, or given up. */
async function kept(writer: ImagesWriter, batch: ImageBatch): Promise<boolean> {
  try {
    await writer.add(batch);
    if (!writer.complete) return true;
    await (await writer.finish()).close();
  } catch {
    // A full disk, say: the images are at hand all the same.
    await writer.discard();
  }
  return false;
}

/** The file, or null where there is none that can be used. Errors: the reason of `signal`. */
async function openKept(facts: ImagesFacts, signal?: AbortSignal): Promise<ImagesFile | null> {
  const path = keptPath(facts.key);
  let file: ImagesFile | string;
  try {
    file = await ImagesFile.open(path, facts, signal);
  } catch (error) {
    signal?.throwIfAborted();
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    file = code ?? message;
  }
  if (typeof file === 'string') {
    process.emitWarning(`The decoded images in ${path} cannot be used (${file}): they are decoded anew.`, {
      type: 'SelfgradWarning',
      code: 'W_CACHE',
      detail: 'docs/errors.md#w_cache',
    });
    await rm(path, { force: true }).catch(() => {});
    return null;
  }
  // Used now: others make room first.
  await utimes(path, new Date(), new Date()).catch(() => {});
  return file;
}
