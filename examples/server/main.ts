/**
 * Serves a trained model, or trains a small one first: `node main.js [RUN] [--port 8080] [--host 127.0.0.1]`.
 * SIGTERM and SIGINT let the requests under way finish.
 */
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { loadModel, type Model, train } from 'selfgrad';
import { predictionServer } from './server.ts';

/** Some seconds of training on images that ship with selfgrad: good enough to try the server. */
async function trainSmall(): Promise<Model> {
  const run = train({
    threat: { norm: 'linf', eps: 0.1 },
    model: { architecture: 'small-cnn' },
    data: { source: 'fashion-mnist-mini', trainCount: 2000 },
    train: { epochs: 3, validate: { every: 0 } },
  });
  for await (const event of run)
    if (event.type === 'epoch') console.log(`epoch ${event.epoch}, loss ${event.loss}`);
  return (await run.result).model;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: 'string', default: '8080' }, host: { type: 'string', default: '127.0.0.1' } },
});
const [path] = positionals;
const model = path === undefined ? await trainSmall() : await loadModel(path);
const server = predictionServer(model);

server.on('close', () => model.dispose());
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    console.log(`${signal}: no new requests`);
    server.close();
    server.closeIdleConnections();
  });
}
server.listen(Number(values.port), values.host, () => {
  const { address, port } = server.address() as AddressInfo;
  console.log(`listening on http://${address}:${port}`);
});
