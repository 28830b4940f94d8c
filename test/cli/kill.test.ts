/** kill -9 at random moments: what is resumed ends in the bytes of the run that nothing interrupted. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/native/packageRoot.ts';
import { temporaryFolder } from '../native/tiny.ts';

interface Job {
  next(out: string): string[];
  result(out: string): string | null;
}
interface Counts {
  kills: number;
  completed: number;
  equal: number;
}

const { evaluationJob, killRepeatedly, start, trainingJob } = (await import(
  join(packageRoot, 'bench/kill/killing.mjs')
)) as {
  evaluationJob(model: string, options: string[]): Job;
  killRepeatedly(request: {
    job: Job;
    out: string;
    expected: string | null;
    kills: number;
    windowMs: number;
    seed: number;
  }): Promise<Counts>;
  start(args: string[]): Promise<boolean>;
  trainingJob(options: string[]): Job;
};

const folder = temporaryFolder();
const trained = join(folder, 'trained');
const common = ['threads=1', 'threat.eps=0.1'];
const training = trainingJob([
  ...['model.architecture=small-cnn', 'model.width=4', 'data.trainCount=256', 'train.validate.every=0'],
  ...['train.epochs=12', ...common],
]);
const evaluation = evaluationJob(join(trained, 'model.safetensors'), [
  ...['data.testCount=200', 'evaluate.saveEvery=20', 'evaluate.attacks=[{name: pgd, steps: 5}]', ...common],
]);

beforeAll(() => start(training.next(trained)));

describe.each<[string, Job, number]>([
  ['training', training, 0],
  ['evaluation', evaluation, 1],
])('%s killed three times', (name, job, seed) => {
  it('ends in the bytes of the uninterrupted one', async () => {
    const uninterrupted = join(folder, `${name} uninterrupted`);
    const began = performance.now();
    await start(job.next(uninterrupted));
    // Kills fall somewhere into a run's own time, however fast the machine is.
    const windowMs = performance.now() - began;
    const expected = job.result(uninterrupted);
    const out = join(folder, name);
    const counts = await killRepeatedly({ job, out, expected, kills: 3, windowMs, seed });
    expect(counts.kills).toBe(3);
    expect(counts.completed).toBeGreaterThan(0);
    expect(counts.equal).toBe(counts.completed);
  });
});
