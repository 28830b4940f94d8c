/** A web server on the loopback that serves files, as well or as badly as a test wants. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FileServer {
  /** Of the archive, or of the folder of the files. */
  url: string;
  /** The Range header of each request, or null. */
  ranges: (string | null)[];
  /** Cuts the connection that `breakAfter` holds. */
  cut(): void;
  close(): Promise<void>;
}

export interface ServerBehaviour {
  /** Answers every request with this status and no body. */
  status?: number;
  /** Sends this many bytes to the first request, and no more until `cut()`. */
  breakAfter?: number;
  /** Ignores Range, as some servers do. */
  withoutRange?: boolean;
  /** Leads to another address, with the path of the request behind it. */
  redirect?: string;
}

export async function serveArchive(data: Buffer, behaviour?: ServerBehaviour): Promise<FileServer> {
  const server = await serveFiles({ 'libtorch.zip': data }, behaviour);
  return { ...server, url: `${server.url}libtorch.zip` };
}

export async function serveFiles(
  files: Record<string, Buffer>,
  behaviour: ServerBehaviour = {},
): Promise<FileServer> {
  const ranges: (string | null)[] = [];
  let held: ServerResponse | undefined;
  const server: Server = createServer((request, response) => {
    const range = request.headers.range ?? null;
    ranges.push(range);
    const data = files[request.url?.slice(1) ?? ''];
    if (behaviour.redirect) {
      response.writeHead(302, { location: behaviour.redirect + request.url?.slice(1) }).end();
      return;
    }
    if (behaviour.status || !data) {
      response.writeHead(behaviour.status ?? 404).end();
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
      response.write(body.subarray(0, behaviour.breakAfter));
      held = response;
    } else {
      response.end(body);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    ranges,
    cut: () => held?.destroy(),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
