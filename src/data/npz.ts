/** NumPy's `.npz`: a zip archive of `.npy` files, stored or deflated. */
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { SelfgradError } from '../errors.ts';
import { ByteReader, maxDeflateRatio } from './byteReader.ts';
import { readNpyHeader } from './npyHeader.ts';
import type { Source } from './source.ts';
import { splitFile } from './splitFile.ts';
import type { OpenTensor, TensorFile } from './tensor.ts';
import { openTensorSource, type TensorSourceOptions } from './tensorSource.ts';

/** More would be no data set. */
const maxEntries = 1000;

/**
 * A folder with `train.npz` and `test.npz`, or one file for both splits, each with the arrays `images` and `labels`.
 * Errors: `ERR_DATA` with the file, `ERR_LABEL`, `ERR_PIXELS`, `ERR_OPTION`.
 */
export function openNpz(options: TensorSourceOptions): Promise<Source> {
  return openTensorSource(options, async (split) => {
    const path = await splitFile(options.path, split, ['.npz']);
    return path === null ? null : openArchive(path);
  });
}

async function openArchive(path: string): Promise<TensorFile> {
  const { zip, entries } = await readDirectory(path);
  zip.close();
  return { path, names: [...entries.keys()], open: (name) => openEntry(path, name) };
}

async function openEntry(path: string, name: string): Promise<OpenTensor> {
  const { zip, entries } = await readDirectory(path);
  const place = `${name}.npy of ${path}`;
  try {
    const entry = entries.get(name);
    if (!entry) throw damaged(path, `no more ${name}.npy`);
    if (entry.uncompressedSize > entry.compressedSize * maxDeflateRatio) {
      throw damaged(path, `${entry.uncompressedSize} bytes of ${name}.npy out of ${entry.compressedSize}`);
    }
    const content = await zip.openReadStreamPromise(entry).catch((cause: Error) => {
      throw damaged(path, cause.message, cause);
    });
    const reader = ByteReader.fromStream(
      place,
      entry.uncompressedSize,
      Readable.from(checked(content, entry)),
    );
    const close = async () => {
      await reader.close();
      content.destroy();
      zip.close();
    };
    try {
      return { ...(await readNpyHeader(reader)), reader, finish: () => reader.expectEnd(), close };
    } catch (error) {
      await reader.close();
      content.destroy();
      throw error;
    }
  } catch (error) {
    zip.close();
    throw error;
  }
}

/** The content; fails at its end if the sum is another, which yauzl does not check. */
async function* checked(content: Readable, entry: Entry): AsyncGenerator<Buffer, void> {
  let sum = 0;
  for await (const chunk of content) {
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (sum !== entry.crc32) throw new Error('another CRC-32');
}

interface Directory {
  zip: ZipFile;
  /** By name without `.npy`. */
  entries: Map<string, Entry>;
}

async function readDirectory(path: string): Promise<Directory> {
  // Says what is wrong with a path that is no file.
  await ByteReader.open(path).then((reader) => reader.close());
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(path, { autoClose: false, lazyEntries: true });
    const entries = new Map<string, Entry>();
    if (zip.entryCount > maxEntries) throw damaged(path, `${zip.entryCount} entries`);
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith('.npy')) continue;
      const name = entry.fileName.slice(0, -'.npy'.length);
      if (entries.has(name)) throw damaged(path, `two entries ${entry.fileName}`);
      entries.set(name, entry);
    }
    return { zip, entries };
  } catch (error) {
    zip?.close();
    if (error instanceof SelfgradError) throw error;
    throw damaged(path, (error as Error).message, error);
  }
}

function damaged(path: string, received: string, cause?: unknown): SelfgradError {
  return new SelfgradError(
    'ERR_DATA',
    `Expected a whole .npz archive in ${path} but received "${received}".`,
    {
      fix: 'Save it again by numpy.savez or numpy.savez_compressed.',
      cause,
    },
  );
}
