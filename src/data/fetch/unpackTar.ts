/**
 * Takes listed files out of a `.tar.gz`: only these names are ever written, each once, as a plain file of exactly the
 * size that is listed. No link, no other path, no more bytes than a bound.
 */
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { SelfgradError } from '../../errors.ts';
import type { ArchiveEntry } from './published.ts';

/** What an archive may hold beside what is wanted: descriptions, headers, padding. */
const maxOtherBytes = 16e6;

const plainFiles: readonly string[] = ['File', 'OldFile', 'ContiguousFile'];

/** Errors: `ERR_DATA` for an archive that is damaged or holds anything else under the listed names. */
export async function unpackTar(
  archive: string,
  folder: string,
  entries: readonly ArchiveEntry[],
  signal?: AbortSignal,
): Promise<void> {
  const missing = new Map(entries.map((entry) => [entry.path, entry]));
  const limit = entries.reduce((sum, { bytes }) => sum + bytes, maxOtherBytes);
  const writing: Promise<void>[] = [];
  let failure: unknown = null;
  const parser = new Parser({
    strict: true,
    onReadEntry(entry) {
      const wanted = missing.get(entry.path);
      if (!wanted) return entry.resume();
      missing.delete(entry.path);
      const done = writeEntry(entry, wanted, archive, folder).catch((error: unknown) => {
        failure ??= error;
        entry.resume();
      });
      writing.push(done);
    },
  });
  parser.on('error', (error: unknown) => {
    failure ??= error;
  });
  try {
    let bytes = 0;
    await pipeline(
      createReadStream(archive),
      createGunzip(),
      async (content: AsyncIterable<Buffer>) => {
        for await (const chunk of content) {
          bytes += chunk.length;
          if (bytes > limit) failure ??= bad(archive, `more than ${limit} bytes`);
          else if (!parser.write(chunk) && failure === null) await once(parser, 'drain');
          if (failure !== null) throw failure;
        }
        parser.end();
      },
      { ...(signal && { signal }) },
    );
    await Promise.all(writing);
    if (failure !== null) throw failure;
  } catch (error) {
    signal?.throwIfAborted();
    // The pipeline itself only says that it was aborted.
    const cause = failure ?? error;
    if (cause instanceof SelfgradError || (cause as NodeJS.ErrnoException).syscall) throw cause;
    throw bad(archive, `"${(cause as Error).message}"`, cause);
  }
  const [absent] = missing.keys();
  if (absent !== undefined) throw bad(archive, `no ${absent}`);
}

async function writeEntry(
  entry: ReadEntry,
  { path, bytes }: ArchiveEntry,
  archive: string,
  folder: string,
): Promise<void> {
  if (!plainFiles.includes(entry.type) || entry.size !== bytes)
    throw bad(archive, `${path} as ${entry.type} of ${entry.size} bytes instead of ${bytes}`);
  const target = join(folder, ...path.split('/'));
  await mkdir(dirname(target), { recursive: true });
  // 'wx': nothing that lies there is followed or replaced.
  await pipeline(entry as AsyncIterable<Buffer>, createWriteStream(target, { flags: 'wx' }));
}

function bad(archive: string, received: string, cause?: unknown): SelfgradError {
  return new SelfgradError(
    'ERR_DATA',
    `Expected the published archive in ${archive} but received ${received}.`,
    {
      fix: 'Nothing was kept. Fetch it from a source that you trust.',
      cause,
    },
  );
}
