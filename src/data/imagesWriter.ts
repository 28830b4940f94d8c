/**
 * Writes a set of images to the file of `imagesFile.ts` while they are read: memory holds one batch and the labels. A
 * file that is kept appears when it is whole; one that is not has no name, and vanishes with whoever has it open.
 */
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../cacheDirectory.ts';
import { leftovers } from '../download/leftovers.ts';
import { SelfgradError } from '../errors.ts';
import { DataHash, littleEndian } from './dataHash.ts';
import { fileBytes, header, headerBytes, type ImagesFacts, ImagesFile } from './imagesFile.ts';
import type { ImageBatch } from './source.ts';

/** The files of this size and below that are kept have so much together; those used longest ago make room. */
export const defaultMaxBytes = 16e9;

/** End of the names of files that are kept. */
const extension = '.decoded';

/** The folder of all files. */
export function imagesFolder(): string {
  return join(cacheDirectory({ env: process.env, platform: process.platform }), 'decoded');
}

/** Where the file of a key is, or would be. */
export function keptPath(key: string): string {
  return join(imagesFolder(), key + extension);
}

/** Tells the files that this process is writing apart. */
let writing = 0;

export class ImagesWriter {
  readonly #facts: ImagesFacts;
  readonly #handle: FileHandle;
  readonly #temporary: string;
  readonly #hash = new DataHash();
  readonly #labels: Int32Array;
  #count = 0;

  private constructor(handle: FileHandle, temporary: string, facts: ImagesFacts) {
    this.#handle = handle;
    this.#temporary = temporary;
    this.#facts = facts;
    this.#labels = new Int32Array(facts.count);
  }

  /**
   * Makes room first: a file that is kept pushes out others, and where the disk is too small, those used longest ago.
   * Errors: `ERR_WRITE` when the folder cannot be written, or the disk cannot hold the file.
   */
  static async begin(facts: ImagesFacts, maxBytes: number = defaultMaxBytes): Promise<ImagesWriter> {
    const folder = imagesFolder();
    try {
      await mkdir(folder, { recursive: true });
      for (const stale of leftovers(join(folder, 'writing-'))) await rm(stale, { force: true });
      const bytes = fileBytes(facts);
      if (facts.key !== '' && bytes <= maxBytes) await keepWithin(folder, maxBytes, maxBytes - bytes);
      await makeRoom(folder, bytes);
      const temporary = join(folder, `writing-${process.pid}-${writing++}`);
      const handle = await open(temporary, 'wx+');
      if (facts.key === '') await rm(temporary);
      await handle.appendFile(Buffer.alloc(headerBytes));
      return new ImagesWriter(handle, temporary, facts);
    } catch (cause) {
      throw writeError(facts, cause);
    }
  }

  /** Errors: `ERR_WRITE`. */
  async add({ images, labels }: ImageBatch): Promise<void> {
    this.#hash.add({ images, labels });
    // A source that has more than it says is refused by whoever reads it.
    this.#labels.set(labels.subarray(0, this.#labels.length - this.#count), this.#count);
    this.#count += labels.length;
    await this.#write(images);
  }

  /** Whether all images are there. */
  get complete(): boolean {
    return this.#count === this.#facts.count;
  }

  /** The file, checked and open. Errors: `ERR_WRITE`. */
  async finish(): Promise<ImagesFile> {
    const digests = this.#hash.digests();
    await this.#write(littleEndian(this.#labels));
    try {
      await this.#handle.write(header(this.#facts, digests), 0, headerBytes, 0);
      if (this.#facts.key !== '') {
        await this.#handle.sync();
        await rename(this.#temporary, keptPath(this.#facts.key));
      }
    } catch (cause) {
      throw writeError(this.#facts, cause);
    }
    return new ImagesFile(this.#handle, this.#facts, this.#labels, digests);
  }

  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await rm(this.#temporary, { force: true }).catch(() => {});
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      await this.#handle.appendFile(bytes);
    } catch (cause) {
      throw writeError(this.#facts, cause);
    }
  }
}

/** Removes those of the files up to `each` bytes that were used longest ago until they have `total` at most. */
async function keepWithin(folder: string, each: number, total: number): Promise<void> {
  let kept = 0;
  for (const { path, size } of (await keptFiles(folder)).reverse()) {
    if (size > each) continue;
    kept += size;
    if (kept > total) await rm(path, { force: true });
  }
}

/** Removes the files that were used longest ago until the disk has so many bytes free. */
async function makeRoom(folder: string, bytes: number): Promise<void> {
  const files = await keptFiles(folder);
  for (;;) {
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize >= bytes) return;
    const oldest = files.shift();
    if (!oldest) throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
    await rm(oldest.path, { force: true });
  }
}

/** Those used longest ago first. */
async function keptFiles(folder: string): Promise<{ path: string; size: number; time: number }[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(extension));
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      // Null: another process has removed it.
      const found = await stat(path).catch(() => null);
      return found && { path, size: found.size, time: found.mtimeMs };
    }),
  );
  return files.filter((file) => file !== null).sort((a, b) => a.time - b.time);
}

function writeError(facts: ImagesFacts, cause: unknown): SelfgradError {
  if (cause instanceof SelfgradError) return cause;
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  const bytes = fileBytes(facts);
  const full = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code);
  return new SelfgradError(
    'ERR_WRITE',
    `Expected ${full ? 'room' : 'to write a file'} for ${facts.count} images (${bytes} bytes) in ${imagesFolder()} but ` +
      `received ${full ? 'a full disk' : 'an error'} (${code}).`,
    {
      fix: `${full ? 'Free some space' : 'Make the folder writable'}, or keep the images in memory with data.storage=memory.`,
      cause,
    },
  );
}
