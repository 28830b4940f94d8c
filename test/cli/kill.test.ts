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
const whole = join(folder, 'whole');
const common = ['threads=1', 'threat.eps=0.1'];
const training = trainingJob([
  ...['model.architecture=small-cnn', 'model.width=4', 'data.trainCount=256', 'train.validate.every=0'],
  ...['train.epochs=12', ...common],
]);
const evaluation = evaluationJob(join(whole, 'model.safetensors'), [
  ...['data.testCount=200', 'evaluate.saveEvery=20', 'evaluate.attacks=[{name: pgd, steps: 5}]', ...common],
]);

beforeAll(() => start(training.next(whole)));

describe.each<[string, Job, number]>([
  ['training', training, 0],
  ['evaluation', evaluation, 1],
])('%s killed three times', (name, job, seed) => {
  it('ends in the bytes of the uninterrupted one', async () => {
    if (job === evaluation) await start(job.next(whole));
    const expected = job.result(whole);
    const out = join(folder, name);
    // A start alone takes about half of the window.
    const counts = await killRepeatedly({ job, out, expected, kills: 3, windowMs: 2500, seed });
    expect(counts.kills).toBe(3);
    expect(counts.completed).toBeGreaterThan(0);
    expect(counts.equal).toBe(counts.completed);
  });
});
