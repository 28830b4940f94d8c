/**
 * A set of images as one file that can be mapped into memory: a line of JSON that describes it, filled up to 4096
 * bytes, then the pixels (N·C·H·W bytes), then the labels (32 bits each, little endian). The line holds SHA-256 of
 * pixels and labels, which are checked whenever a file is opened.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { DataHash, type SetDigests } from './dataHash.ts';
import { imagesPerBatch } from './decodeBatch.ts';
import type { ImageBatch, Source } from './source.ts';

export interface ImagesFacts extends Pick<Source, 'count' | 'channels' | 'height' | 'width'> {
  /** What the images depend on; '' where that is not known. */
  key: string;
}

/** Bytes before the pixels: a page, so that images of whole pages lie in whole pages. */
export const headerBytes = 4096;

/** Files of another version are made anew. */
const format = 'selfgrad.images/1';

const piece = 2 ** 24;

const notImages = 'it is no file of images';

export function fileBytes({ count, channels, height, width }: ImagesFacts): number {
  return headerBytes + count * (channels * height * width + 4);
}

export function header({ key, count, channels, height, width }: ImagesFacts, digests: SetDigests): Buffer {
  const line = JSON.stringify({ format, key, count, channels, height, width, ...digests });
  return Buffer.from(`${line.padEnd(headerBytes - 1)}\n`);
}

export class ImagesFile {
  readonly facts: ImagesFacts;
  readonly digests: SetDigests;
  readonly labels: Int32Array;
  readonly #handle: FileHandle;

  /**
   * Of a file that has just been written, or checked.
   * @internal
   */
  constructor(handle: FileHandle, facts: ImagesFacts, labels: Int32Array, digests: SetDigests) {
    this.#handle = handle;
    this.facts = facts;
    this.labels = labels;
    this.digests = digests;
  }

  /**
   * Reads a file to its end and compares it with what it should be.
   * @returns the file; or why it cannot be used
   */
  static async open(path: string, facts: ImagesFacts, signal?: AbortSignal): Promise<ImagesFile | string> {
    // Opening a pipe would block for ever.
    if (!(await stat(path)).isFile()) return notImages;
    const handle = await open(path);
    const checked = await check(handle, facts, signal).catch(async (error: unknown) => {
      await handle.close();
      throw error;
    });
    if (typeof checked === 'string') {
      await handle.close();
      return checked;
    }
    return new ImagesFile(handle, facts, checked.labels, checked.digests);
  }

  get descriptor(): number {
    return this.#handle.fd;
  }

  async *batches(): AsyncGenerator<ImageBatch, void> {
    const { count, channels, height, width } = this.facts;
    const imageBytes = channels * height * width;
    const perBatch = imagesPerBatch(this.facts);
    for (let first = 0; first < count; first += perBatch) {
      const n = Math.min(perBatch, count - first);
      const images = new Uint8Array(n * imageBytes);
      await readAll(this.#handle, images, headerBytes + first * imageBytes);
      yield {
        images,
        labels: this.labels.slice(first, first + n),
        indices: Int32Array.from({ length: n }, (_, i) => first + i),
      };
    }
  }

  /** What is mapped stays so. */
  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function check(
  handle: FileHandle,
  facts: ImagesFacts,
  signal: AbortSignal | undefined,
): Promise<{ labels: Int32Array; digests: SetDigests } | string> {
  const found = await handle.stat();
  if (found.size < headerBytes) return notImages;
  const first = Buffer.alloc(headerBytes);
  await readAll(handle, first, 0);
  const described = parse(first);
  if (described === null) return notImages;
  if (described.format !== format) return 'another version of selfgrad wrote it';
  const hash = new DataHash();
  const { count, channels, height, width } = facts;
  const pixelBytes = count * channels * height * width;
  if (found.size !== fileBytes(facts)) return `it has ${found.size} bytes instead of ${fileBytes(facts)}`;
  const buffer = Buffer.alloc(Math.min(piece, pixelBytes));
  for (let at = 0; at < pixelBytes; at += buffer.length) {
    signal?.throwIfAborted();
    const images = buffer.subarray(0, Math.min(buffer.length, pixelBytes - at));
    await readAll(handle, images, headerBytes + at);
    hash.add({ images, labels: new Int32Array(0) });
  }
  const bytes = Buffer.alloc(4 * count);
  await readAll(handle, bytes, headerBytes + pixelBytes);
  const labels = Int32Array.from({ length: count }, (_, i) => bytes.readInt32LE(4 * i));
  hash.add({ images: new Uint8Array(0), labels });
  const digests = hash.digests();
  if (!header(facts, digests).equals(first)) return 'its bytes are not those that were written';
  return { labels, digests };
}

/** The first line as an object that says what it is, or null. */
function parse(bytes: Buffer): { format: unknown } | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', 0, bytes.indexOf('\n')));
    return typeof value === 'object' && value !== null && 'format' in value ? value : null;
  } catch {
    return null;
  }
}

async function readAll(handle: FileHandle, into: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < into.length; ) {
    const { bytesRead } = await handle.read(into, at, Math.min(piece, into.length - at), position + at);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    at += bytesRead;
  }
}
