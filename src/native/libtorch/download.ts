/** Downloads one archive by HTTPS: resumed where it broke off, checked by its SHA-256. */
import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SelfgradError } from '../../errors.ts';
import { fileSha256 } from '../../fileHash.ts';

export interface Download {
  url: string;
  /** Of the whole file, as 64 hexadecimal digits. */
  sha256: string;
  /** Where it grows; what lies there already is continued. It is whole when the promise resolves. */
  file: string;
  onBytes: (done: number, total: number) => void;
  signal?: AbortSignal | undefined;
}

const networkFix = 'Check the network and the address, then run this again: it continues where it stopped.';

function checkAddress(url: string): URL {
  const address = URL.canParse(url) ? new URL(url) : null;
  const loopback = address !== null && /^(?:127\.[\d.]+|localhost|\[::1\])$/.test(address.hostname);
  if (address?.protocol === 'https:' || (address?.protocol === 'http:' && loopback)) return address;
  throw new SelfgradError(
    'ERR_OPTION',
    `Expected an https address for LibTorch's archive but received ${url}.`,
  );
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
async function fetchRest(address: URL, { file: path, onBytes, signal }: Download): Promise<void> {
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
  const length = Number(response.headers.get('content-length') ?? 0);
  const total = length > 0 ? from + length : 0;
  let done = from;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      done += chunk.length;
      onBytes(done, total);
      next(null, chunk);
    },
  });
  const file = createWriteStream(path, { flags: from > 0 ? 'a' : 'w' });
  const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  try {
    await pipeline(body, count, file, { ...(signal && { signal }) });
  } catch (cause) {
    signal?.throwIfAborted();
    if (file.errored === cause && (cause as NodeJS.ErrnoException).syscall) throw cause;
    throw new SelfgradError(
      'ERR_ENVIRONMENT',
      `The download from ${address.host} broke off after ${done} bytes.`,
      {
        fix: networkFix,
        cause,
      },
    );
  }
}

/**
 * Downloads `url` to `file`. http is allowed only from this machine itself.
 *
 * @throws SelfgradError ERR_OPTION for an address that is not https, ERR_ENVIRONMENT when the network fails or
 *   the checksum is another one; after a wrong checksum nothing is kept.
 */
export async function download(options: Download): Promise<void> {
  const address = checkAddress(options.url);
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
