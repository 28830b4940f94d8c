/** Training that cannot write: exit 1 with a sentence, and the checkpoint that was there can be resumed. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { main, selfgrad, temporaryFolder } from './selfgrad.ts';

const small = ['model.architecture=small-cnn', 'model.width=4', 'threads=1', 'train.validate.every=0'];

/** A run of 12 epochs that SIGINT stops after its first checkpoint; returns its directory. */
async function interruptedRun(): Promise<string> {
  const out = join(temporaryFolder(), 'run');
  let sent = false;
  const args = [
    'train',
    '--out',
    out,
    '--progress',
    'json',
    ...small,
    'train.epochs=12',
    'data.trainCount=256',
  ];
  const { status, stderr } = await selfgrad(args, {
    onStderr(child, text) {
      if (!sent && text.includes('"type":"checkpoint"')) sent = child.kill('SIGINT');
    },
  });
  expect(status, stderr).toBe(130);
  return out;
}

/** Runs the command with files limited to so many blocks: what a full disk does to a write, without a disk. */
function selfgradWithFileLimit(blocks: number, args: readonly string[]) {
  const script = `ulimit -f ${blocks}; exec "$@"`;
  return spawnSync('sh', ['-c', script, 'sh', process.execPath, main, ...args], { encoding: 'utf8' });
}

it('a disk that is full when the checkpoint is due leaves the last one, from which the run goes on', async () => {
  const out = await interruptedRun();
  const checkpoint = join(out, 'checkpoint.safetensors');
  const before = readFileSync(checkpoint);
  // Events still fit, the checkpoint does not (a block has 512 or 1024 bytes).
  const blocks = Math.floor(before.length / 1024 / 2);
  writeFileSync(join(out, 'events.jsonl'), '');
  const { status, stdout, stderr } = selfgradWithFileLimit(blocks, ['train', '--resume', out, '--quiet']);
  expect({ status, stdout, stderr }).toEqual({
    status: 1,
    stdout: '',
    stderr: `ERR_WRITE  Expected room to write ${checkpoint} but the device is full (File too large). Free some space or choose another folder.\n`,
  });
  expect(readFileSync(checkpoint)).toEqual(before);
  expect(readdirSync(out).sort()).toEqual([
    'checkpoint.previous.safetensors',
    'checkpoint.safetensors',
    'config.json',
    'events.jsonl',
  ]);

  const resumed = await selfgrad(['train', '--resume', out, '--quiet', '--json']);
  expect(resumed.status, resumed.stderr).toBe(0);
  expect(JSON.parse(resumed.stdout)).toMatchObject({ steps: 48 });
});

it('a disk without room for events leaves a checkpoint, and no model', async () => {
  const out = await interruptedRun();
  const events = join(out, 'events.jsonl');
  const size = readFileSync(join(out, 'checkpoint.safetensors')).length;
  writeFileSync(events, ' '.repeat(2 * size).replace(/ $/, '\n'));
  const { status, stderr } = selfgradWithFileLimit(Math.ceil((1.5 * size) / 512), [
    'train',
    '--resume',
    out,
    '--quiet',
  ]);
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: `ERR_WRITE  Cannot write ${events}: EFBIG: file too large, write. Check that the directory is writable and has space, then resume the run.\n`,
  });
  expect(existsSync(join(out, 'model.safetensors'))).toBe(false);
  const resumed = await selfgrad(['train', '--resume', out, '--quiet']);
  expect(resumed.status, resumed.stderr).toBe(0);
});

/** Runs the command so that mode bits hold for it, also where the tests run as root. */
function selfgradWithoutPrivilege(args: readonly string[]) {
  const drop = ['--inh-caps=-dac_override', '--bounding-set=-dac_override'];
  const [program, ...rest] = [
    ...(process.getuid?.() === 0 ? ['setpriv', ...drop] : []),
    process.execPath,
    main,
  ];
  return spawnSync(program!, [...rest, ...args], { encoding: 'utf8' });
}

it.runIf(process.platform === 'linux')(
  'a run directory that has become read-only keeps its checkpoint, from which the run goes on; eval says so at once',
  async () => {
    const out = await interruptedRun();
    const checkpoint = join(out, 'checkpoint.safetensors');
    const before = readFileSync(checkpoint);
    const held = readdirSync(out);
    chmodSync(out, 0o555);
    const training = selfgradWithoutPrivilege(['train', '--resume', out, '--quiet']);
    expect({ status: training.status, stderr: training.stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(
        `^ERR_WRITE  Expected to write ${checkpoint} but received an error .*Permission denied`,
      ),
    });
    const evaluation = selfgradWithoutPrivilege(['eval', checkpoint, '--quiet']);
    expect({ status: evaluation.status, stdout: evaluation.stdout, stderr: evaluation.stderr }).toEqual({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(`^ERR_WRITE  Cannot write ${out}/evaluation.partial.jsonl: EACCES`),
    });
    expect(readFileSync(checkpoint)).toEqual(before);
    expect(readdirSync(out)).toEqual(held);

    chmodSync(out, 0o755);
    const resumed = await selfgrad(['train', '--resume', out, '--quiet', '--json']);
    expect(resumed.status, resumed.stderr).toBe(0);
    expect(JSON.parse(resumed.stdout)).toMatchObject({ steps: 48 });
  },
);

it('a run directory that cannot be created', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'file'), '');
  const out = join(folder, 'file/run');
  expect(await selfgrad(['train', '--out', out, '--quiet', ...small])).toEqual({
    status: 1,
    stdout: '',
    stderr: `ERR_WRITE  Cannot create ${out}: ENOTDIR: not a directory, mkdir '${out}'. Name a directory that you may write to.\n`,
  });
});

it('--dry-run refuses a directory that holds a run, as the command itself does', async () => {
  const out = temporaryFolder();
  writeFileSync(join(out, 'checkpoint.safetensors'), 'of another run');
  const refusal = {
    status: 2,
    stdout: '',
    stderr: `ERR_OPTION  Expected a new directory for out but ${out} holds a run. Resume it (--resume), replace it (--overwrite), or name another directory.\n`,
  };
  expect(await selfgrad(['train', '--dry-run', '--out', out, ...small])).toEqual(refusal);
  expect(await selfgrad(['train', '--out', out, ...small])).toEqual(refusal);
  const replaced = await selfgrad(['train', '--dry-run', '--overwrite', '--out', out, ...small]);
  expect(replaced.status, replaced.stderr).toBe(0);
  expect(readFileSync(join(out, 'checkpoint.safetensors'), 'utf8')).toBe('of another run');
});

it('a disk that is full when a set is to be mapped ends before training, and leaves nothing', () => {
  const out = join(temporaryFolder(), 'run');
  // 256 images and a header are 206 kB.
  const args = ['train', '--out', out, '--quiet', ...small, 'data.storage=mapped', 'data.trainCount=256'];
  const { status, stdout, stderr } = selfgradWithFileLimit(100, args);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(
    /^ERR_WRITE {2}Expected room for 256 images \(205824 bytes\) in .+decoded but received a full disk \(EFBIG\)\. Free some space, or keep the images in memory with data\.storage=memory\.\n$/,
  );
  expect(existsSync(out)).toBe(false);
});

it('a mapped set trains to the same weights, and is evaluated to the same figures', async () => {
  const folder = temporaryFolder();
  const outcome = async (storage: string) => {
    const out = join(folder, storage);
    const options = [`data.storage=${storage}`, 'data.trainCount=64', 'data.testCount=32', 'train.epochs=1'];
    const trained = await selfgrad(['train', '--out', out, '--quiet', ...small, ...options]);
    expect(trained.status, trained.stderr).toBe(0);
    const evaluated = await selfgrad(['eval', out, '--json', '--quiet', 'evaluate.attacks=fgsm']);
    expect(evaluated.status, evaluated.stderr).toBe(0);
    const { clean, robust, data } = JSON.parse(evaluated.stdout);
    return { weights: readFileSync(join(out, 'model.safetensors')), clean, robust, data };
  };
  expect(await outcome('mapped')).toEqual(await outcome('memory'));
});
