/**
 * Takes LibTorch out of a wheel or zip archive: only entries of a list of names are written, never a link,
 * never outside the folder, never more than a bound.
 */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { SelfgradError } from '../../errors.ts';
import { targetOf } from './pins.ts';

export interface UnpackedLibrary {
  /** Relative to the folder, with forward slashes. */
  path: string;
  bytes: number;
  sha256: string;
}

export interface Unpack {
  archive: string;
  folder: string;
  platform: NodeJS.Platform;
  onBytes: (bytes: number) => void;
  /** The most bytes that may come out of one archive. Defaults to 2 GB. */
  limitBytes?: number;
  signal?: AbortSignal | undefined;
}

const defaultLimitBytes = 2_000_000_000;
const fileTypeMask = 0o170000;
const symbolicLink = 0o120000;

function badArchive(archive: string, reason: string, cause?: unknown): SelfgradError {
  return new SelfgradError('ERR_LIBTORCH', `The archive ${archive} cannot be used: ${reason}.`, {
    fix: 'Nothing was installed. Fetch LibTorch from a source that you trust.',
    cause,
  });
}

/** Writes one entry, hashing on the way; resolves to its SHA-256. */
async function writeEntry(zip: ZipFile, entry: Entry, target: string, options: Unpack): Promise<string> {
  await mkdir(dirname(target), { recursive: true });
  const hash = createHash('sha256');
  const tee = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      hash.update(chunk);
      options.onBytes(chunk.length);
      next(null, chunk);
    },
  });
  const source = await zip.openReadStreamPromise(entry);
  // A library may be run, as in the wheel; 'wx': no entry may replace another.
  const file = createWriteStream(target, { flags: 'wx', mode: 0o755 });
  await pipeline(source, tee, file, { ...(options.signal && { signal: options.signal }) });
  return hash.digest('hex');
}

/**
 * Unpacks what LibTorch needs from `archive` into `folder`; resolves to the libraries written.
 *
 * @throws SelfgradError ERR_LIBTORCH for an archive that is damaged, too large, or holds names or links that
 *   lead out of it. What was written before stays in `folder`, which the caller removes.
 */
export async function unpack(options: Unpack): Promise<UnpackedLibrary[]> {
  const { archive, folder, platform, limitBytes = defaultLimitBytes } = options;
  const libraries: UnpackedLibrary[] = [];
  let bytes = 0;
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(archive, { strictFileNames: true });
    for await (const entry of zip.eachEntry()) {
      options.signal?.throwIfAborted();
      if (((entry.externalFileAttributes >>> 16) & fileTypeMask) === symbolicLink) {
        throw badArchive(archive, `it holds the symbolic link ${entry.fileName}`);
      }
      const path = targetOf(entry.fileName, platform);
      if (path === null) continue;
      bytes += entry.uncompressedSize;
      if (bytes > limitBytes) throw badArchive(archive, `it unpacks to more than ${limitBytes} bytes`);
      const sha256 = await writeEntry(zip, entry, join(folder, path), options);
      if (path.startsWith('lib/')) libraries.push({ path, bytes: entry.uncompressedSize, sha256 });
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof SelfgradError || (error as NodeJS.ErrnoException).syscall) throw error;
    throw badArchive(archive, error instanceof Error ? error.message : String(error), error);
  } finally {
    zip?.close();
  }
  return libraries;
}
