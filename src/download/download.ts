/** Downloads one file by HTTPS: resumed where it broke off, bounded, checked by its SHA-256. */
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { SelfgradError } from '../errors.ts';
import { fileSha256 } from '../fileHash.ts';
import { leftovers } from './leftovers.ts';

export interface Download {
  /** What it is, for messages: `LibTorch's archive`. */
  what: string;
  url: string;
  /** Of the whole file, as 64 hexadecimal digits. */
  sha256: string;
  /** Where it grows; what lies there already is continued. It is whole when the promise resolves. */
  file: string;
  /** More is refused. Defaults to no limit. */
  maxBytes?: number;
  onBytes: (done: number, total: number) => void;
  signal?: AbortSignal | undefined;
}

const networkFix = 'Check the network and the address, then run this again: it continues where it stopped.';

/** https, or this machine itself. */
function isSecure(url: string): boolean {
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: '', hostname: '' };
  const loopback = /^(?:127\.[\d.]+|localhost|\[::1\])$/.test(hostname);
  return protocol === 'https:' || (protocol === 'http:' && loopback);
}

function insecure(url: string, what: string): SelfgradError {
  return new SelfgradError('ERR_OPTION', `Expected an https address for ${what} but received ${url}.`);
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

async function request(address: URL, from: number, signal: AbortSignal | undefined): Promise<Response> {
  try {
    return await fetch(address, {
      headers: from > 0 ? { range: `bytes=${from}-` } : {},
      ...(signal && { signal }),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new SelfgradError('ERR_ENVIRONMENT', `${address.host} cannot be reached.`, {
      fix: networkFix,
      cause,
    });
  }
}

/** Fetches what is missing of the file; resolves when the server has nothing more to send. */
async function fetchRest(address: URL, options: Download): Promise<void> {
  const { file: path, onBytes, signal, maxBytes = Number.POSITIVE_INFINITY } = options;
  let from = await sizeOf(path);
  let response = await request(address, from, signal);
  if (response.status === 416) {
    // Nothing lies behind what we have: it is the whole file, or another one, as its hash will tell.
    await response.body?.cancel();
    return;
  }
  if (response.status === 206 && !response.headers.get('content-range')?.startsWith(`bytes ${from}-`)) {
    await response.body?.cancel();
    from = 0;
    response = await request(address, 0, signal);
  }
  if (response.status === 200) from = 0;
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new SelfgradError(
      'ERR_ENVIRONMENT',
      `${address.host} answered ${response.status} for ${address.pathname}.`,
      {
        fix: 'Check the address.',
      },
    );
  }
  // A server may lead elsewhere, but not out of https.
  if (!isSecure(response.url)) {
    await response.body.cancel();
    throw insecure(response.url, options.what);
  }
  const length = Number(response.headers.get('content-length') ?? 0);
  const total = length > 0 ? from + length : 0;
  let done = from;
  let excess = false;
  const file = await open(path, from > 0 ? 'a' : 'w');
  try {
    for await (const chunk of Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0])) {
      excess = done + chunk.length > maxBytes;
      if (excess) throw tooMuch(options);
      // Written before the next is asked for: what has arrived is kept when the connection breaks.
      await file.appendFile(chunk);
      done += chunk.length;
      onBytes(done, total);
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof SelfgradError || (cause as NodeJS.ErrnoException).syscall === 'write') throw cause;
    throw new SelfgradError(
      'ERR_ENVIRONMENT',
      `The download from ${address.host} broke off after ${done} bytes.`,
      {
        fix: networkFix,
        cause,
      },
    );
  } finally {
    await file.close();
    // What is no part of the file is not to be continued.
    if (excess) await rm(path, { force: true });
  }
}

function tooMuch({ maxBytes, url }: Download): SelfgradError {
  return new SelfgradError(
    'ERR_ENVIRONMENT',
    `Expected at most ${maxBytes} bytes for ${url} but received more.`,
    {
      fix: 'Nothing was kept. Check the address.',
    },
  );
}

/**
 * Downloads `url` to `file`. http is allowed only from this machine itself.
 *
 * @throws SelfgradError ERR_OPTION for an address that is not https, ERR_ENVIRONMENT when the network fails or
 *   the checksum is another one; after a wrong checksum nothing is kept.
 */
export async function download(options: Download): Promise<void> {
  if (!isSecure(options.url)) throw insecure(options.url, options.what);
  const address = new URL(options.url);
  await fetchRest(address, options);
  const found = await fileSha256(options.file);
  if (found !== options.sha256.toLowerCase()) {
    await rm(options.file, { force: true });
    throw new SelfgradError(
      'ERR_ENVIRONMENT',
      `Expected SHA-256 ${options.sha256.toLowerCase()} for ${options.url} but received ${found}.`,
      { fix: 'Nothing was kept. Check address and checksum, then run this again.' },
    );
  }
}

/**
 * Downloads into `folder`, going on with what a killed download of the same file has fetched. Two at once do not
 * meet: each writes to a file of its own. Resolves to the file's path.
 */
export async function downloadInto(folder: string, options: Omit<Download, 'file'>): Promise<string> {
  await mkdir(folder, { recursive: true });
  const prefix = join(folder, `${options.sha256.toLowerCase()}.part-`);
  const file = `${prefix}${process.pid}`;
  const [begun, ...others] = leftovers(prefix);
  if (begun) await rename(begun, file);
  for (const other of others) await rm(other, { force: true });
  await download({ ...options, file });
  return file;
}
