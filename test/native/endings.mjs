/** Ends a process in the ways that are easy to get wrong while the core computes; the argument names the way. */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Dataset, functionModel, openArrays, train } from '../../dist/index.js';

const images = Uint8Array.from({ length: 96 * 64 }, (_, i) => (i * 37) % 251);
const labels = Int32Array.from({ length: 96 }, (_, i) => i % 3);

/** Starts a run of so many epochs: 1e6 of them outlast any test. */
async function start(epochs) {
  const data = await Dataset.from(await openArrays({ images, labels, shape: [1, 8, 8], classes: 3 }));
  const config = {
    threads: 1,
    model: { depths: [1], width: 4 },
    train: { epochs, batchSize: 16, validate: { every: 0 } },
  };
  return train(config, { data });
}

/** Classifies by a function that never answers, and calls `asked` when it is asked. */
function ask(asked) {
  const silent = () => {
    setImmediate(asked);
    return new Promise(() => {});
  };
  functionModel(silent, { classes: 3, inputShape: [1, 8, 8] }).predict(images.subarray(0, 128));
}

async function firstEpoch(run) {
  for await (const { type } of run) if (type === 'epoch') return;
}

function startWorker(epochs) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { epochs } });
  return { worker, message: once(worker, 'message') };
}

const endings = {
  /** Two workers train at once, each to its end. */
  async workers() {
    const started = [startWorker(3), startWorker(3)];
    const steps = await Promise.all(started.map(async ({ message }) => (await message)[0]));
    console.log(`steps ${steps.join(' ')}`);
  },
  /** A worker is terminated in mid-run; another one works after it, and so does this thread. */
  async terminate() {
    const { worker, message } = startWorker(1e6);
    await message;
    await worker.terminate();
    console.log(`steps ${(await startWorker(1).message)[0]}`);
    const { steps } = await (await start(1)).result;
    console.log(`steps ${steps}`);
  },
  async exit() {
    await firstEpoch(await start(1e6));
    process.exit(7);
  },
  /** The last statement leaves model and data to the end of the process. */
  async forget() {
    const { steps } = await (await start(1)).result;
    console.log(`steps ${steps}`);
  },
  /** A run that nobody waits for keeps the process alive until it has ended. */
  async unawaited() {
    const run = await start(2);
    run.result.then(({ steps }) => console.log(`steps ${steps}`));
  },
  /** The function of a model has not answered when the process ends. */
  async unanswered() {
    ask(() => process.exit(7));
  },
  /** Nor when the environment of a worker does; this thread goes on. */
  async deaf() {
    const { worker, message } = startWorker(0);
    await message;
    await worker.terminate();
    const { steps } = await (await start(1)).result;
    console.log(`steps ${steps}`);
  },
  async uncaught() {
    await firstEpoch(await start(1e6));
    throw new Error('thrown in mid-run');
  },
};

if (isMainThread) {
  await endings[process.argv[2]]();
} else if (workerData.epochs === 0) {
  ask(() => parentPort.postMessage('asked'));
} else {
  const run = await start(workerData.epochs);
  // A run without end says that it has begun, the others how far they came.
  if (workerData.epochs > 1000) await firstEpoch(run);
  parentPort.postMessage(workerData.epochs > 1000 ? 'running' : (await run.result).steps);
}
