/**
 * Reads a file, gzip or plain, or a stream front to back in exact pieces, in bounded memory: what a hostile file
 * claims is never allocated, and every failure names the file and the offset in its (decompressed) content.
 */
import { type FileHandle, open, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip, type Gunzip } from 'node:zlib';
import { SelfgradError } from '../errors.ts';
import { fileError } from './fileError.ts';

const again = 'The file is damaged: download or copy it again.';

/** Deflate cannot expand its input by more than this. */
export const maxDeflateRatio = 1032;

export class ByteReader {
  readonly path: string;
  /** Bytes of the file on disk, or of the part or stream that is read. */
  readonly size: number;
  /** Told by the first two bytes, not by the name. */
  readonly gzip: boolean;
  /** Bytes of content handed out so far. */
  offset = 0;
  readonly #open: () => Readable;
  readonly #handle: FileHandle | null;
  #gunzip: Gunzip | null = null;
  #chunks: AsyncIterator<Buffer> | null = null;
  #rest: Uint8Array = new Uint8Array(0);

  private constructor(
    path: string,
    size: number,
    gzip: boolean,
    handle: FileHandle | null,
    open: () => Readable,
  ) {
    this.path = path;
    this.size = size;
    this.gzip = gzip;
    this.#handle = handle;
    this.#open = open;
  }

  /** A stream of `size` bytes; `path` names it in messages. Its errors become `ERR_DATA`. */
  static fromStream(path: string, size: number, stream: Readable): ByteReader {
    return new ByteReader(path, size, false, null, () => stream);
  }

  /** @param start where to begin; other than in a whole file, gzip is not looked for. Errors: `ERR_DATA`. */
  static async open(path: string, start: number | null = null): Promise<ByteReader> {
    let handle: FileHandle | undefined;
    try {
      const found = await stat(path);
      // Opening a pipe or a device would block for ever.
      if (!found.isFile())
        throw Object.assign(new Error('no regular file'), {
          code: found.isDirectory() ? 'EISDIR' : 'EINVAL',
        });
      handle = await open(path);
      const magic = Buffer.alloc(2);
      if (start === null) await handle.read(magic, 0, 2, 0);
      const file = handle;
      const reader = new ByteReader(path, found.size, magic[0] === 0x1f && magic[1] === 0x8b, file, () =>
        file.createReadStream({ start: start ?? 0, highWaterMark: 1 << 20 }),
      );
      reader.offset = start ?? 0;
      return reader;
    } catch (cause) {
      await handle?.close();
      throw fileError('a readable file', path, cause);
    }
  }

  /** Fails unless the file can hold `bytes` of content; `claim` says what the header promises. */
  checkClaim(bytes: number, claim: string): void {
    if (this.gzip ? bytes <= this.size * maxDeflateRatio : bytes === this.size) return;
    const held = this.gzip ? `${this.size} compressed bytes` : `${this.size} bytes`;
    throw new SelfgradError(
      'ERR_DATA',
      `Expected ${bytes} bytes (${claim}) for ${this.path} but received ${held}.`,
      {
        fix: again,
      },
    );
  }

  /** The next `length` bytes; `what` names them when the file ends early. */
  async read(length: number, what: string): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let held = 0;
    while (held < length) {
      if (this.#rest.length === 0 && !(await this.#next())) {
        throw new SelfgradError(
          'ERR_DATA',
          `Expected ${length} bytes of ${what} at offset ${this.offset} of ${this.path} but the content ends at ${this.offset + held}.`,
          { fix: again },
        );
      }
      const piece = this.#rest.subarray(0, length - held);
      pieces.push(piece);
      held += piece.length;
      this.#rest = this.#rest.subarray(piece.length);
    }
    // Only now: a length that a small gzip file merely claims is never allocated.
    const bytes = new Uint8Array(length);
    let filled = 0;
    for (const piece of pieces) {
      bytes.set(piece, filled);
      filled += piece.length;
    }
    this.offset += length;
    return bytes;
  }

  /** Fails if anything follows what was read. */
  async expectEnd(): Promise<void> {
    const more = this.#rest.length > 0 || (await this.#next());
    // zlib passes over zeros behind the last gzip member.
    const garbage = this.#gunzip !== null && this.#gunzip.bytesWritten < this.size;
    if (!more && !garbage) return;
    throw new SelfgradError(
      'ERR_DATA',
      `Expected the end of ${this.path} at offset ${this.offset} of its content but received further bytes.`,
      { fix: again },
    );
  }

  async close(): Promise<void> {
    await this.#chunks?.return?.();
    await this.#handle?.close();
  }

  #start(): AsyncIterator<Buffer> {
    const file = this.#open();
    let content: Readable = file;
    if (this.gzip) {
      const gunzip = createGunzip({ chunkSize: 1 << 18 });
      file.on('error', (error) => gunzip.destroy(error));
      gunzip.on('close', () => file.destroy());
      this.#gunzip = gunzip;
      content = file.pipe(gunzip);
    }
    return content[Symbol.asyncIterator]();
  }

  async #next(): Promise<boolean> {
    this.#chunks ??= this.#start();
    try {
      for (;;) {
        const { value, done } = await this.#chunks.next();
        if (done) return false;
        this.#rest = value;
        if (value.length > 0) return true;
      }
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (this.#handle && !code?.startsWith('Z_')) throw fileError('a readable file', this.path, cause);
      throw new SelfgradError(
        'ERR_DATA',
        `Expected valid ${this.#handle ? 'gzip' : 'zip'} data in ${this.path} but received "${message}" beyond offset ${this.offset} of its content.`,
        { fix: again, cause },
      );
    }
  }
}
