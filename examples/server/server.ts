/** Predictions over HTTP. Bodies are a JPEG or PNG image, or raw bytes of pixels: N·C·H·W of them, NCHW, 0 … 255. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type ImageDecoder, loadDecoder, type Model, SelfgradError } from 'selfgrad';

export interface ServerOptions {
  /** Images that a request may hold. Defaults to 256. */
  maxImages?: number;
  /** Bytes of a JPEG or PNG image. Defaults to 16 MiB. */
  maxEncodedBytes?: number;
  /** Requests that may wait for an answer at a time; more are told to come back. Defaults to 64. */
  maxWaiting?: number;
}

/** An answer other than 200. */
class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The whole body; stops reading as soon as it is longer than `limit`. */
async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > limit) throw new HttpError(413, `Expected at most ${limit} bytes.`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** What went wrong, as far as it is the caller's business. */
function problem(error: unknown): { status: number; document: { error: string } } {
  if (error instanceof HttpError) return { status: error.status, document: { error: error.message } };
  if (error instanceof SelfgradError && ['ERR_OPTION', 'ERR_PIXELS', 'ERR_DATA'].includes(error.code))
    return { status: 400, document: { error: error.message } };
  console.error(error);
  return { status: 500, document: { error: 'The prediction failed.' } };
}

/**
 * A server for one model, which it does not dispose of:
 * `GET /model` says what it takes and knows, `POST /predict` classifies images.
 */
export function predictionServer(model: Model, options: ServerOptions = {}): Server {
  const { maxImages = 256, maxEncodedBytes = 2 ** 24, maxWaiting = 64 } = options;
  const { architecture, channels, height, width } = model.options;
  const { classes, metadata } = model;
  const about = { architecture, shape: [channels, height, width], classes, threat: metadata.threat ?? null };
  const limit = maxImages * channels * height * width;
  let waiting = 0;
  let decoder: Promise<ImageDecoder> | undefined;

  /** The pixels of an image as those that the network was trained on: resized to its size. */
  async function decoded(body: Buffer): Promise<Uint8Array> {
    decoder ??= loadDecoder({ channels: channels === 1 ? 1 : 3, size: [height, width] });
    return (await (await decoder).decode(body, 'the body')).pixels;
  }

  async function predict(request: IncomingMessage) {
    const type = request.headers['content-type'] ?? '';
    const encoded = /^image\/(jpeg|png)$/.test(type);
    if (!encoded && type !== 'application/octet-stream')
      throw new HttpError(
        415,
        'Expected the content type image/jpeg, image/png or application/octet-stream.',
      );
    if (waiting >= maxWaiting) throw new HttpError(503, 'Too many requests are waiting. Try again later.');
    waiting++;
    try {
      const body = await readBody(request, encoded ? maxEncodedBytes : limit);
      const { predictions } = await model.predict(encoded ? await decoded(body) : body);
      return { predictions };
    } finally {
      waiting--;
    }
  }

  async function answer(request: IncomingMessage): Promise<object> {
    const route = `${request.method} ${request.url}`;
    if (route === 'GET /model') return about;
    if (route === 'POST /predict') return predict(request);
    throw new HttpError(404, 'There are GET /model and POST /predict.');
  }

  const server = createServer(async (request, response) => {
    const { status, document } = await answer(request).then(
      (document) => ({ status: 200, document }),
      problem,
    );
    // After an error a part of the body may still be on its way; and a server that ends keeps no connection.
    if (status !== 200 || !server.listening) response.setHeader('connection', 'close');
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  });
  return server;
}
