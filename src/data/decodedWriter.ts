/** Writes the file of `decodedCache.ts` while the images are read; it appears when it is whole. */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { leftovers } from '../download/leftovers.ts';
import type { ImageBatch } from './source.ts';

export interface DecodedPlace {
  path: string;
  /** The line in front. */
  header: Buffer;
  /** Images. */
  count: number;
  /** Of the whole file. */
  bytes: number;
}

/** End of the files' names. */
export const extension = '.decoded';

/** Null where the set is too large, the folder cannot be written, or this process is writing another. */
export async function openWriter(
  place: DecodedPlace,
  folder: string,
  maxBytes: number,
): Promise<DecodedWriter | null> {
  if (place.bytes > maxBytes) return null;
  try {
    await mkdir(folder, { recursive: true });
    for (const stale of leftovers(join(folder, 'writing-'))) await rm(stale, { force: true });
    await makeRoom(folder, maxBytes - place.bytes);
    const temporary = join(folder, `writing-${process.pid}`);
    const file = await open(temporary, 'wx');
    return await DecodedWriter.begin(file, temporary, place);
  } catch {
    return null;
  }
}

/** Removes the files that were used longest ago until the others have at most so many bytes. */
async function makeRoom(folder: string, bytes: number): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(extension));
  const files = await Promise.all(
    names.map(async (name) => ({ path: join(folder, name), ...(await sizeAndTime(join(folder, name))) })),
  );
  files.sort((a, b) => b.time - a.time);
  let kept = 0;
  for (const { path, size } of files) {
    kept += size;
    if (kept > bytes) await rm(path, { force: true });
  }
}

async function sizeAndTime(path: string): Promise<{ size: number; time: number }> {
  const { size, mtimeMs } = await stat(path);
  return { size, time: mtimeMs };
}

export class DecodedWriter {
  readonly #file: FileHandle;
  readonly #temporary: string;
  readonly #place: DecodedPlace;
  readonly #hash = createHash('sha256');
  #left: number;

  private constructor(file: FileHandle, temporary: string, place: DecodedPlace) {
    this.#file = file;
    this.#temporary = temporary;
    this.#place = place;
    this.#left = place.count;
  }

  static async begin(file: FileHandle, temporary: string, place: DecodedPlace): Promise<DecodedWriter> {
    const writer = new DecodedWriter(file, temporary, place);
    await writer.#write(place.header);
    return writer;
  }

  /** False once there is nothing more to write: the file is in its place, or given up. */
  async add({ images, labels }: ImageBatch): Promise<boolean> {
    try {
      const imageBytes = images.length / labels.length;
      const records = Buffer.alloc(images.length + 4 * labels.length);
      for (const [i, label] of labels.entries()) {
        const at = i * (4 + imageBytes);
        records.writeInt32LE(label, at);
        records.set(images.subarray(i * imageBytes, (i + 1) * imageBytes), at + 4);
      }
      await this.#write(records);
      this.#left -= labels.length;
      if (this.#left > 0) return true;
      await this.#file.appendFile(this.#hash.digest());
      await this.#file.sync();
      const { size } = await this.#file.stat();
      await this.#file.close();
      if (size === this.#place.bytes) await rename(this.#temporary, this.#place.path);
      else await rm(this.#temporary, { force: true });
    } catch {
      // A full disk, say: the images are at hand all the same.
      await this.discard();
    }
    return false;
  }

  async discard(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.#temporary, { force: true }).catch(() => {});
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    await this.#file.appendFile(bytes);
  }
}
