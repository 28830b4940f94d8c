/**
 * The server behind `train --watch`: one page, its events and a stop button, for this machine and whoever has the token.
 * A web page elsewhere can make a browser send requests here: the Host header must name the loopback (against DNS
 * rebinding), an Origin must be our own, and stopping needs the token in a header that no foreign page may set.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SelfgradError } from '../../errors.ts';

export interface WatchServerOptions {
  /** 0 for any that is free. */
  port: number;
  /** The Content-Security-Policy of the page. */
  policy: string;
  /** The whole page as it is now. */
  page: () => string;
  /** What a page that has just connected must be told. */
  greeting: () => string;
  /** Called at the first request to stop that is allowed. */
  onStop: () => void;
}

export interface WatchServer {
  /** Address of the page, with the token. */
  readonly url: string;
  /** How many pages are connected. */
  readonly listeners: number;
  /** Sends an event to every page; `data` is one line. */
  send(event: string, data: string): void;
  /** Tells the pages that it is over, and lets go of the port. */
  close(): Promise<void>;
}

const headers = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

function sameText(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function eventText(event: string, data: string): string {
  return `event: ${event}\ndata: ${data}\n\n`;
}

/**
 * Listens on 127.0.0.1.
 *
 * @throws SelfgradError `ERR_ENVIRONMENT` when the port cannot be had
 */
export async function openWatchServer(options: WatchServerOptions): Promise<WatchServer> {
  const token = randomBytes(24).toString('base64url');
  const listeners = new Set<ServerResponse>();
  const server = createServer((request, response) => answer(request, response));
  server.listen(options.port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new SelfgradError(
      'ERR_ENVIRONMENT',
      `Cannot listen on 127.0.0.1:${options.port}: ${(cause as Error).message}.`,
      { fix: 'Choose another port with --watch-port, or 0 for any that is free.', cause },
    );
  }
  // The page must not keep a run alive that is over.
  server.unref();
  const { port } = server.address() as AddressInfo;
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  let stopped = false;

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const { host = '', origin, authorization = '' } = request.headers;
    const end = (status: number, text: string) =>
      response.writeHead(status, { ...headers, 'content-type': 'text/plain; charset=utf-8' }).end(text);
    if (!hosts.includes(host) || (origin !== undefined && !hosts.some((own) => origin === `http://${own}`))) {
      return void end(403, 'This page is for the machine that it runs on.\n');
    }
    const route = `${request.method} ${pathname}`;
    if (!['GET /', 'GET /events', 'POST /stop'].includes(route))
      return void end(404, 'There is no such page.\n');
    const given = route === 'POST /stop' ? authorization.replace(/^Bearer /, '') : searchParams.get('token');
    if (!sameText(given ?? '', token))
      return void end(403, 'Open the address that selfgrad train printed.\n');
    if (route === 'POST /stop') {
      if (!stopped) options.onStop();
      stopped = true;
      return void response.writeHead(204, headers).end();
    }
    if (route === 'GET /') {
      const page = {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': `${options.policy}; frame-ancestors 'none'`,
      };
      return void response.writeHead(200, { ...headers, ...page }).end(options.page());
    }
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' });
    response.write(eventText('regions', options.greeting()));
    listeners.add(response);
    response.on('close', () => listeners.delete(response));
  }

  return {
    url: `http://127.0.0.1:${port}/?token=${token}`,
    get listeners() {
      return listeners.size;
    },
    send(event, data) {
      for (const response of listeners) response.write(eventText(event, data));
    },
    async close() {
      for (const response of listeners) response.end(eventText('end', '{}'));
      server.close();
      server.closeIdleConnections();
      // A page that does not hang up, such as one behind a sleeping tab, does not hold up the end.
      await Promise.race([once(server, 'close'), new Promise((resolve) => setTimeout(resolve, 500))]);
      server.closeAllConnections();
    },
  };
}
