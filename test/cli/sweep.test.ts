/** `selfgrad sweep` as a user and a scheduler run it. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { selfgrad, temporaryFolder } from './selfgrad.ts';

const file = `
base:
  threads: 1
  model: { architecture: small-cnn, width: 8 }
  threat: { eps: 0.1 }
  data: { trainCount: 64, testCount: 40 }
  train: { batchSize: 32, epochs: 2, validate: { every: 0 } }
  evaluate: { attacks: [fgsm], epsCurve: null }
grid:
  train.lr: [0.05, 0.1]
seeds: 2
`;

function prepared() {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'sweep.yaml'), file);
  return { cwd, run: (line: string, more = {}) => selfgrad(line.split(' '), { cwd, ...more }) };
}

test('shards together do every run once, and merge gives means over seeds', async () => {
  const { cwd, run } = prepared();
  const planned = await run('sweep sweep.yaml --out s --dry-run --json');
  expect(planned.status, planned.stderr).toBe(0);
  expect(existsSync(join(cwd, 's'))).toBe(false);
  const { runs } = JSON.parse(planned.stdout);
  expect(runs).toHaveLength(4);

  const first = await run('sweep sweep.yaml --out s --shard 1/2 -q');
  expect(first.status, first.stderr).toBe(0);
  expect(first.stdout).toBe('done    2 of 4 runs (shard 1/2)\nnext    selfgrad sweep merge s\n');
  const half = await run('sweep merge s --json');
  expect(JSON.parse(half.stdout)).toMatchObject({ done: 2, count: 4 });
  expect(half.stderr).toBe('2 runs are missing.\n');

  // A run whose evaluation is lost is not trained again.
  const kept = join(cwd, 's', runs[0].id);
  rmSync(join(kept, 'evaluation.json'));
  const trainedAt = statSync(join(kept, 'model.safetensors')).mtimeMs;
  const rest = await run('sweep sweep.yaml --out s --progress none');
  expect(rest.status, rest.stderr).toBe(0);
  expect(rest.stderr.match(/^run .*$/gm)).toEqual(
    [0, 1, 3].map(
      (i) =>
        `run    ${i + 1} of 4  ${runs[i].id}  train.lr=${runs[i].point['train.lr']} seed=${runs[i].seed}`,
    ),
  );
  expect(statSync(join(kept, 'model.safetensors')).mtimeMs).toBe(trainedAt);

  const merged = await run('sweep merge s');
  expect(merged).toMatchObject({ status: 0, stderr: '' });
  expect(merged.stdout).toMatch(
    /^sweep {2}4 of 4 runs are done\npoint +seeds +clean +robust +fgsm\ntrain\.lr=0\.05 +2 /,
  );
  const summary = JSON.parse(readFileSync(join(cwd, 's', 'summary.json'), 'utf8'));
  const rateOf = (i: number) =>
    JSON.parse(readFileSync(join(cwd, 's', runs[i].id, 'evaluation.json'), 'utf8')).robust.rate;
  expect(summary.rows[0].robust.mean).toBeCloseTo((rateOf(0) + rateOf(1)) / 2, 12);
  const csv = readFileSync(join(cwd, 's', 'summary.csv'), 'utf8').split('\n');
  expect(csv[0]).toBe('train.lr,seeds,clean,clean_half,robust,robust_half');
  expect(csv[1]).toMatch(/^0\.05,2,/);
});

test('a run that was interrupted goes on to the bytes that it would have had', async () => {
  const { cwd, run } = prepared();
  const long = file
    .replace('epochs: 2', 'epochs: 40')
    .replace('seeds: 2', 'seeds: 1')
    .replace('[0.05, 0.1]', '[0.05]');
  writeFileSync(join(cwd, 'sweep.yaml'), `${long}evaluate: false\n`);
  const whole = await run('sweep sweep.yaml --out whole -q');
  expect(whole.status, whole.stderr).toBe(0);
  const cut = await run('sweep sweep.yaml --out cut --progress line', {
    onStderr: (child: ChildProcess, text: string) => {
      if (text.includes('epoch   3') && !child.killed) child.kill('SIGTERM');
    },
  });
  expect(cut.status, cut.stderr).toBe(75);
  expect(cut.stderr).toContain('Repeat the command to go on.');
  const [id] = readdirSync(join(cwd, 'cut')).filter((name) => name !== 'sweep.json');
  expect((await run('sweep sweep.yaml --out cut --dry-run')).stdout).toContain(`${id}  begun`);
  const resumed = await run('sweep sweep.yaml --out cut --progress line');
  expect(resumed.status, resumed.stderr).toBe(0);
  expect(resumed.stderr).toContain('resumed at step');
  const weights = (folder: string) => readFileSync(join(cwd, folder, id!, 'model.safetensors'));
  expect(weights('cut').equals(weights('whole'))).toBe(true);
});

test('a run that fails does not keep the others waiting', async () => {
  const { cwd, run } = prepared();
  writeFileSync(
    join(cwd, 'sweep.yaml'),
    file.replace('[0.05, 0.1]', '[1.0e+30, 0.1]').replace('seeds: 2', 'seeds: 1'),
  );
  const { status, stderr } = await run('sweep sweep.yaml --out s -q');
  expect(status).toBe(1);
  expect(stderr).toMatch(/^ERR_NUMERIC {2}1 of 2 runs failed, first \w+ \(train\.lr=1e\+30 seed=0\): /m);
  expect(JSON.parse((await run('sweep merge s --json')).stdout)).toMatchObject({ done: 1, count: 2 });
});

test("Slurm's job gives each task its shard, and queues again what was told to stop", async () => {
  const { cwd, run } = prepared();
  const { status, stdout } = await run('sweep template slurm sweep.yaml --out s --shards 4');
  expect(status).toBe(0);
  const bin = join(cwd, 'bin');
  mkdirSync(bin);
  const stub = (name: string, body: string) =>
    writeFileSync(join(bin, name), `#!/bin/bash\necho "${name} $*" >> calls\n${body}\n`, { mode: 0o755 });
  stub('npx', 'exit "$CODE"');
  stub('scontrol', '');
  const env = { PATH: `${bin}:${process.env.PATH}`, SLURM_ARRAY_JOB_ID: '9', SLURM_ARRAY_TASK_ID: '3' };
  const job = (code: string) =>
    spawnSync('bash', ['-c', stdout], { cwd, env: { ...env, CODE: code }, encoding: 'utf8' });
  expect(job('0').status).toBe(0);
  expect(job('2').status).toBe(2);
  expect(job('75').status).toBe(0);
  const call = 'npx selfgrad sweep sweep.yaml --out s --shard 3/4 --progress line';
  expect(readFileSync(join(cwd, 'calls'), 'utf8').trim().split('\n')).toEqual([
    call,
    call,
    call,
    'scontrol requeue 9_3',
  ]);
});

test("Kubernetes' job is YAML whose command counts shards from 1", async () => {
  const { run } = prepared();
  const { stdout } = await run('sweep template kubernetes sweep.yaml --out s --shards 4');
  const { spec } = parseYaml(stdout);
  expect(spec).toMatchObject({ completionMode: 'Indexed', completions: 4, parallelism: 4 });
  const [script] = spec.template.spec.containers[0].args as [string];
  const echoed = spawnSync('bash', ['-c', script.replace('exec npx', 'echo')], {
    env: { JOB_COMPLETION_INDEX: '3' },
    encoding: 'utf8',
  });
  expect(echoed.stdout).toBe('selfgrad sweep sweep.yaml --out s --shard 4/4 --progress line\n');
});

test.each([
  ['sweep sweep.yaml --out s --shard 3/2', "argument '3/2' is invalid"],
  ['sweep none.yaml --out s', 'Cannot read the configuration file none.yaml'],
  ['sweep merge none', 'Expected the manifest of a sweep in'],
])('%s exits 2 with a sentence', async (line, sentence) => {
  const { status, stderr } = await prepared().run(line);
  expect(status).toBe(2);
  expect(stderr).toContain(sentence);
});
