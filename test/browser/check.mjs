/**
 * Exported networks in a browser: onnxruntime-web in headless Chromium must compute what LibTorch computes. Not part of
 * `npm test`, since it needs Chromium ($CHROMIUM, or `chromium` on the PATH) and 140 MB of packages.
 * Usage: npm run setup && npm install --no-save onnxruntime-web && node test/browser/check.mjs
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { exportOnnx, loadModel } from 'selfgrad';

const tolerance = 1e-4;
const names = ['small-cnn', 'preact-resnet', 'wide-resnet'];
const dims = [5, 2, 9, 7];
const pixels = Float32Array.from({ length: 5 * 2 * 9 * 7 }, (_, i) => ((i * 6151) % 256) / 255);

const page = `<!DOCTYPE html><script type="module">
const answer = (body) => fetch('/answers', { method: 'POST', body: JSON.stringify(body) });
try {
  const ort = await import('/ort/ort.wasm.min.mjs');
  ort.env.wasm.wasmPaths = '/ort/';
  ort.env.wasm.numThreads = 1;
  const images = new ort.Tensor('float32', new Float32Array(${JSON.stringify([...pixels])}), ${JSON.stringify(dims)});
  const logits = {};
  for (const name of ${JSON.stringify(names)}) {
    const session = await ort.InferenceSession.create('/' + name + '.onnx');
    logits[name] = [...(await session.run({ images })).logits.data];
  }
  await answer({ browser: navigator.userAgent, logits });
} catch (error) {
  await answer({ error: String(error) });
}
</script>`;

/** Serves the page, the networks and onnxruntime-web; resolves to what the page answers. */
async function serve(server, folder, runtime) {
  const types = { mjs: 'text/javascript', wasm: 'application/wasm', onnx: 'application/octet-stream' };
  return new Promise((resolve) => {
    server.on('request', async (request, response) => {
      const { url } = request;
      const type = types[url.split('.').at(-1)] ?? 'text/html';
      response.setHeader('content-type', type);
      if (url === '/answers') {
        resolve(JSON.parse(await text(request)));
        response.end();
      } else if (url === '/') {
        response.end(page);
      } else {
        const file = url.startsWith('/ort/') ? join(runtime, url.slice(5)) : join(folder, url.slice(1));
        readFile(file).then(
          (bytes) => response.end(bytes),
          () => response.writeHead(404).end(),
        );
      }
    });
  });
}

/** The largest difference between LibTorch's logits and the browser's, by network. */
async function check(folder) {
  const runtime = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
  const expected = {};
  for (const name of names) {
    const model = await loadModel(
      fileURLToPath(new URL(`../native/reference/${name}.safetensors`, import.meta.url)),
    );
    await exportOnnx(model, join(folder, `${name}.onnx`));
    expected[name] = (await model.predict(pixels)).logits;
    model.dispose();
  }
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const answered = serve(server, folder, runtime);
  const flags = [
    '--headless=new',
    '--disable-gpu',
    '--no-first-run',
    `--user-data-dir=${join(folder, 'profile')}`,
  ];
  if (process.getuid?.() === 0) flags.push('--no-sandbox');
  const url = `http://127.0.0.1:${server.address().port}/`;
  const chromium = spawn(process.env.CHROMIUM ?? 'chromium', [...flags, url], { stdio: 'ignore' });
  const ended = once(chromium, 'exit');
  const died = ended.then(([code]) => ({ error: `the browser ended with code ${code}` }));
  const { browser, logits, error } = await Promise.race([answered, died]);
  chromium.kill();
  await ended;
  server.close();
  server.closeAllConnections();
  if (error) throw new Error(error);
  console.log(browser);
  return names.map((name) => {
    const differences = logits[name].map((value, i) => Math.abs(value - expected[name][i]));
    return [name, Math.max(...differences)];
  });
}

const folder = mkdtempSync(join(tmpdir(), 'selfgrad-browser-'));
try {
  for (const [name, difference] of await check(folder)) {
    const passed = difference < tolerance;
    console.log(
      `${name}: largest difference ${difference.toExponential(1)}, ${passed ? 'passed' : 'FAILED'}`,
    );
    if (!passed) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
