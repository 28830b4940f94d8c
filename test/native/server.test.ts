/** examples/server as a user runs it: compiled, in a process of its own, on a free port. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { loadDecoder, loadModel } from '../../src/index.ts';
import { packageRoot } from '../../src/native/packageRoot.ts';

const example = join(packageRoot, 'examples/server');
const weights = fileURLToPath(new URL('reference/small-cnn.safetensors', import.meta.url));
/** Three images of 2×9×7. */
const images = Uint8Array.from({ length: 3 * 2 * 9 * 7 }, (_, i) => (i * 7919) % 256);
const binary = { 'content-type': 'application/octet-stream' };

let said = '';

/** Waits until the server has printed what `pattern` finds. */
async function told(server: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const match = pattern.exec(said);
    if (match) return match;
    if (server.exitCode !== null) throw new Error(`The server ended: ${said}`);
    await Promise.race([once(server.stdout!, 'data'), once(server, 'close')]);
  }
}

let server: ChildProcess;
let address: string;
beforeAll(async () => {
  const compiler = join(packageRoot, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', example], { encoding: 'utf8' });
  expect(status, stdout).toBe(0);
  server = spawn(process.execPath, [join(example, 'dist/main.js'), weights, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  server.stdout!.setEncoding('utf8').on('data', (part: string) => {
    said += part;
  });
  address = (await told(server, /listening on (http:\S+)\n/))[1]!;
});
afterAll(() => server?.kill('SIGKILL'));

const predict = (body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = binary) =>
  fetch(`${address}/predict`, { method: 'POST', body, headers });

describe('examples/server', () => {
  it('says what the model takes and knows', async () => {
    const response = await fetch(`${address}/model`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      architecture: 'small-cnn',
      shape: [2, 9, 7],
      classes: ['0', '1', '2'],
    });
  });

  it('answers many requests at once as the model does', async () => {
    using model = await loadModel(weights);
    const { predictions } = await model.predict(images);
    const responses = await Promise.all(Array.from({ length: 20 }, () => predict(images)));
    for (const response of responses) {
      expect(response.status).toBe(200);
      const answer = (await response.json()) as { predictions: typeof predictions };
      expect(answer.predictions.map(({ label, className }) => [label, className])).toEqual(
        predictions.map(({ label, className }) => [label, className]),
      );
    }
  });

  it.each<[string, Uint8Array<ArrayBuffer>, Record<string, string>, number, string]>([
    ['half an image', images.slice(0, 63), binary, 400, 'Expected whole images of 2x9x7 for images'],
    ['no image', new Uint8Array(0), binary, 400, 'Expected whole images'],
    ['text', images, { 'content-type': 'text/plain' }, 415, 'Expected the content type'],
    [
      'no JPEG',
      images,
      { 'content-type': 'image/jpeg' },
      400,
      'Expected a whole JPEG or PNG image in the body',
    ],
    ['too much', new Uint8Array(257 * 126), binary, 413, 'Expected at most 32256 bytes.'],
  ])('refuses %s', async (_, body, headers, status, sentence) => {
    const response = await predict(body, headers);
    expect(response.status).toBe(status);
    const { error } = (await response.json()) as { error: string };
    expect(error).toContain(sentence);
  });

  it('takes a JPEG, resized as those of the training', async () => {
    // Of the package that the example has, so that errors and models are of its classes.
    const {
      Dataset,
      loadModel: load,
      openArrays,
      train,
    } = await import(pathToFileURL(join(packageRoot, 'dist/index.js')).href);
    const { predictionServer } = await import(pathToFileURL(join(example, 'dist/server.js')).href);
    const shape = [3, 8, 8] as const;
    const arrays = {
      images: new Uint8Array(8 * 192),
      labels: Int32Array.from({ length: 8 }, (_, i) => i % 2),
    };
    const out = mkdtempSync(join(tmpdir(), 'selfgrad-server-'));
    onTestFinished(() => rmSync(out, { recursive: true }));
    using data = await Dataset.from(await openArrays({ ...arrays, shape, classes: ['dark', 'bright'] }));
    const config = {
      model: { architecture: 'small-cnn', width: 4 },
      train: { epochs: 1, validate: { every: 0 } },
    };
    (await train(config, { data, out }).result).model.dispose();
    using model = await load(out);
    const jpeg = await sharp({ create: { width: 20, height: 9, channels: 3, background: '#c08040' } })
      .jpeg()
      .toBuffer();
    const decoder = await loadDecoder({ channels: 3, size: [8, 8] });
    const { pixels } = await decoder.decode(jpeg, 'a JPEG');
    const expected = (await model.predict(pixels)).predictions[0];
    const own = predictionServer(model).listen(0, '127.0.0.1');
    await once(own, 'listening');
    onTestFinished(() => own.close());
    const response = await fetch(`http://127.0.0.1:${own.address().port}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'image/jpeg' },
      body: new Uint8Array(jpeg),
    });
    expect(await response.json()).toEqual({ predictions: [expected] });
  });

  it('knows no other path', async () => {
    expect((await fetch(`${address}/`)).status).toBe(404);
  });

  it('ends on SIGTERM, after the request under way', async () => {
    const exit = once(server, 'exit');
    const call = request(`${address}/predict`, {
      method: 'POST',
      headers: { ...binary, expect: '100-continue', 'content-length': images.length },
    });
    call.flushHeaders();
    await once(call, 'continue');
    server.kill('SIGTERM');
    await told(server, /SIGTERM: no new requests/);
    call.end(images);
    const [response] = await once(call, 'response');
    expect(response.statusCode).toBe(200);
    expect(JSON.parse(await text(response)).predictions).toHaveLength(3);
    expect(await exit).toEqual([0, null]);
  });
});
