/** The server of the live page lets in who has the token, from this machine, and nobody else. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openWatchServer, type WatchServer } from '../../../src/cli/watch/server.ts';

let server: WatchServer;
let stops: number;
let base: URL;
let token: string;

beforeEach(async () => {
  stops = 0;
  server = await openWatchServer({
    port: 0,
    policy: "default-src 'none'",
    page: () => '<p>page</p>',
    greeting: () => '{"state":"now"}',
    onStop: () => {
      stops += 1;
    },
  });
  base = new URL(server.url);
  token = base.searchParams.get('token')!;
});
afterEach(() => server.close());

/** `fetch` would not let a test choose Host and Origin. */
async function ask(path: string, { method = 'GET', headers = {} as Record<string, string> } = {}) {
  const sent = request({ host: base.hostname, port: base.port, path, method, headers }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: () => text(response), response };
}

const bearer = () => ({ authorization: `Bearer ${token}` });

test('the page comes with a policy that no other site may frame, and is kept nowhere', async () => {
  const { status, headers, body } = await ask(`/?token=${token}`);
  expect(status).toBe(200);
  expect(await body()).toBe('<p>page</p>');
  expect(headers).toMatchObject({
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
});

test.runIf(process.platform === 'linux')(
  'it listens at one address of the loopback, and at no other',
  async () => {
    expect(base.hostname).toBe('127.0.0.1');
    // A server on every address would answer here too.
    const elsewhere = request({ host: '127.0.0.2', port: base.port, path: `/?token=${token}` }).end();
    expect(await once(elsewhere, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }]);
  },
);

test.each(['/', '/?token=', '/?token=guess', '/events', '/events?token=guess'])(
  '%s is refused without the token',
  async (path) => {
    expect((await ask(path)).status).toBe(403);
  },
);

test.each([
  ['no token', () => ({})],
  ['another token', () => ({ authorization: 'Bearer guess' })],
  ['a host that only resolves to this machine', () => ({ ...bearer(), host: 'evil.example:80' })],
  ['another origin', () => ({ ...bearer(), origin: 'http://evil.example' })],
  ['an opaque origin', () => ({ ...bearer(), origin: 'null' })],
])('stopping is refused with %s', async (_, headers) => {
  expect((await ask('/stop', { method: 'POST', headers: headers() })).status).toBe(403);
  expect(stops).toBe(0);
});

test('stopping needs the token in a header and POST: a link or a form cannot', async () => {
  expect((await ask(`/stop?token=${token}`, { method: 'POST' })).status).toBe(403);
  expect((await ask(`/stop?token=${token}`, { headers: bearer() })).status).toBe(404);
  expect(stops).toBe(0);
});

test('stopping stops, once', async () => {
  for (let i = 0; i < 2; i++) {
    const headers = { ...bearer(), origin: base.origin };
    expect((await ask('/stop', { method: 'POST', headers })).status).toBe(204);
  }
  expect(stops).toBe(1);
});

test('events arrive, the state first and the end last', async () => {
  const { headers, response } = await ask(`/events?token=${token}`);
  expect(headers['content-type']).toBe('text/event-stream');
  const received = text(response);
  expect(server.listeners).toBe(1);
  server.send('regions', '{"state":"later"}');
  await server.close();
  expect(await received).toBe(
    'event: regions\ndata: {"state":"now"}\n\nevent: regions\ndata: {"state":"later"}\n\nevent: end\ndata: {}\n\n',
  );
});

test('a port that is taken is said so', async () => {
  const { port } = base;
  await expect(
    openWatchServer({ port: Number(port), policy: '', page: () => '', greeting: () => '', onStop: () => {} }),
  ).rejects.toMatchObject({ code: 'ERR_ENVIRONMENT', message: expect.stringContaining('--watch-port') });
});
