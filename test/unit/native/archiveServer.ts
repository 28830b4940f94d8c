/** A web server on the loopback that serves one archive, as well or as badly as a test wants. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ArchiveServer {
  url: string;
  /** The Range header of each request, or null. */
  ranges: (string | null)[];
  close(): Promise<void>;
}

export interface ServerBehaviour {
  /** Answers every request with this status and no body. */
  status?: number;
  /** Cuts the connection after this many bytes of the first request. */
  breakAfter?: number;
  /** Ignores Range, as some servers do. */
  withoutRange?: boolean;
}

export async function serveArchive(data: Buffer, behaviour: ServerBehaviour = {}): Promise<ArchiveServer> {
  const ranges: (string | null)[] = [];
  const server: Server = createServer((request, response) => {
    const range = request.headers.range ?? null;
    ranges.push(range);
    if (behaviour.status) {
      response.writeHead(behaviour.status).end();
      return;
    }
    const from = range !== null && !behaviour.withoutRange ? Number(/bytes=(\d+)-/.exec(range)?.[1]) : 0;
    if (from >= data.length) {
      response.writeHead(416).end();
      return;
    }
    const body = data.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': body.length,
      ...(from > 0 && { 'content-range': `bytes ${from}-${data.length - 1}/${data.length}` }),
    });
    if (behaviour.breakAfter !== undefined && ranges.length === 1) {
      response.write(body.subarray(0, behaviour.breakAfter), () => response.destroy());
    } else {
      response.end(body);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/libtorch.zip`,
    ranges,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
