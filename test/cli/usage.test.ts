/** What the command line answers before it does any work. */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { main, selfgrad, temporaryFolder } from './selfgrad.ts';

describe('selfgrad --help', () => {
  it.each([
    '',
    'train',
    'eval',
    'stability',
    'masking',
    'attack',
    'report',
    'card',
    'export',
    'config',
    'config print',
    'inspect',
  ])('explains %j', async (words) => {
    const { status, stdout, stderr } = await selfgrad([...words.split(' ').filter(Boolean), '--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatchSnapshot();
  });
});

describe('wrong usage', () => {
  it.each<[string, number, string]>([
    ['trian', 2, "ERR_OPTION  Unknown command 'trian'. Did you mean train?"],
    ['config pint', 2, "ERR_OPTION  Unknown command 'pint'. Did you mean print?"],
    ['train --dryrun', 2, "ERR_OPTION  Unknown option '--dryrun'. Did you mean --dry-run?"],
    ['train --epsilion 8/255', 2, "ERR_OPTION  Unknown option '--epsilion'. Did you mean threat.eps=VALUE?"],
    [
      'train --batch-size 64',
      2,
      "ERR_OPTION  Unknown option '--batch-size'. Did you mean train.batchSize=VALUE?",
    ],
    ['train lr=0.1', 2, 'ERR_OPTION  Unknown option lr. Did you mean train.lr?'],
    ['train train.stratgy=pgd', 2, 'ERR_OPTION  Unknown option train.stratgy. Did you mean train.strategy?'],
    [
      'train threat.eps=8',
      2,
      'ERR_OPTION  Expected a number in (0, 1] for threat.eps but received 8 (number). Pixels are in [0, 1]: write 8/255.',
    ],
    [
      'train quickstart',
      2,
      "ERR_OPTION  Expected key=value for an argument but received 'quickstart' (string). Write for example train.lr=0.05; selfgrad config print lists the keys.",
    ],
    [
      'train --preset quickstrat',
      2,
      "ERR_OPTION  Expected quickstart, cifar10-small, cifar10-resnet18 or imagenette-like-224 for preset but received 'quickstrat' (string). Did you mean quickstart?",
    ],
    ['train --seed one', 2, "ERR_OPTION  Expected an integer >= 0 for seed but received 'one' (string)."],
    [
      'train --progress loud',
      2,
      "ERR_OPTION  Option '--progress <how>' argument 'loud' is invalid. Allowed choices are none, bar, line, json.",
    ],
    [
      'train -c none.yaml',
      2,
      'ERR_CONFIG  Cannot read the configuration file none.yaml: there is no such file.',
    ],
    [
      'train --resume',
      2,
      'ERR_OPTION  Expected one run directory for --resume. Write --resume DIR, where DIR is the run to continue.',
    ],
    [
      'train --resume nowhere',
      2,
      'ERR_CHECKPOINT  Expected a run to resume in nowhere but found no checkpoint.safetensors. Give the directory of a run that was interrupted, or leave --resume out to begin anew.',
    ],
    ['eval', 2, "ERR_OPTION  Missing required argument 'model'."],
    [
      'eval x --fail-under robust=45',
      2,
      "ERR_OPTION  Option '--fail-under <what=share>' argument 'robust=45' is invalid. Expected robust=SHARE or clean=SHARE with a share in [0, 1], e.g. robust=0.45.",
    ],
    [
      'attack x --out y --index 9..0',
      2,
      "ERR_OPTION  Option '--index <indices>' argument '9..0' is invalid. Expected indices such as 0..9 or 3,5,8 (at most 1000) for --index but received '9..0'.",
    ],
    ['attack x', 2, "ERR_OPTION  Required option '--out <directory>' not specified."],
    [
      'report nowhere',
      2,
      "ERR_DATA  Cannot read evaluation.json: ENOENT: no such file or directory, open 'evaluation.json'. Run selfgrad eval first, or give the path of an evaluation.json.",
    ],
  ])('%s', async (line, status, sentence) => {
    const outcome = await selfgrad(line.split(' '), { cwd: temporaryFolder() });
    expect(outcome).toEqual({ status, stdout: '', stderr: `${sentence}\n` });
  });

  it('prints the help on stderr when no command is given', async () => {
    const { status, stdout, stderr } = await selfgrad([]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: selfgrad/);
  });

  it('adds a stack only for SELFGRAD_DEBUG=1', async () => {
    const { stderr } = await selfgrad(['train', 'lr=1'], { env: { SELFGRAD_DEBUG: '1' } });
    expect(stderr).toMatch(/^ERR_OPTION {2}Unknown option lr.*\nSelfgradError: .*\n +at /);
  });
});

describe('config', () => {
  it('print names the source of each value, by precedence', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'a.yaml'), 'seed: 1\ntrain: { lr: 0.2, batchSize: 32, momentum: 0.8 }\n');
    writeFileSync(join(cwd, 'b.json'), '{ "train": { "lr": 0.3, "weightDecay": 0.001 } }');
    const { status, stdout, stderr } = await selfgrad(
      [
        'config',
        'print',
        '--json',
        '--preset',
        'cifar10-small',
        '-c',
        'a.yaml',
        '-c',
        'b.json',
        '--seed',
        '9',
        'train.momentum=0.7',
      ],
      { cwd, env: { SELFGRAD__TRAIN__BATCH_SIZE: '16', SELFGRAD__TRAIN__MOMENTUM: '0.6' } },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { schema, config, origins } = JSON.parse(stdout);
    expect(schema).toBe('selfgrad.config/1');
    expect(config).toMatchObject({
      seed: 9,
      train: {
        lr: 0.3,
        batchSize: 16,
        momentum: 0.7,
        weightDecay: 0.001,
        precision: 'bfloat16',
        nesterov: true,
      },
    });
    expect(origins).toMatchObject({
      seed: '--seed',
      'train.lr': 'b.json',
      'train.batchSize': 'environment SELFGRAD__TRAIN__BATCH_SIZE',
      'train.momentum': 'train.momentum=0.7',
      'train.precision': 'preset cifar10-small',
    });
    expect(origins['train.nesterov']).toBeUndefined();
  });

  it('init writes a file that validate accepts and print resolves to the same', async () => {
    const cwd = temporaryFolder();
    expect(await selfgrad(['config', 'init', '--preset', 'cifar10-small'], { cwd })).toEqual({
      status: 0,
      stdout: '',
      stderr:
        'Wrote selfgrad.yaml. Check it with: selfgrad config validate selfgrad.yaml; use it with: selfgrad train -c selfgrad.yaml\n',
    });
    expect(await selfgrad(['config', 'validate', '-c', 'selfgrad.yaml'], { cwd })).toMatchObject({
      status: 0,
      stdout: 'valid\n',
    });
    const fromFile = await selfgrad(['config', 'print', '--json', '-c', 'selfgrad.yaml'], { cwd });
    const fromPreset = await selfgrad(['config', 'print', '--json', '--preset', 'cifar10-small']);
    expect(JSON.parse(fromFile.stdout).config).toEqual(JSON.parse(fromPreset.stdout).config);
  });

  it.each(['c.yml', 'c.json', 'c.ts', 'c.mjs'])(
    'init writes %s in the notation of its name, which validate accepts and print resolves to the same',
    async (file) => {
      const cwd = temporaryFolder();
      expect(await selfgrad(['config', 'init', file, '--preset', 'cifar10-small'], { cwd })).toMatchObject({
        status: 0,
      });
      expect(await selfgrad(['config', 'validate', file], { cwd })).toMatchObject({ status: 0 });
      const fromFile = await selfgrad(['config', 'print', '--json', '-c', file], { cwd });
      const fromPreset = await selfgrad(['config', 'print', '--json', '--preset', 'cifar10-small']);
      expect(JSON.parse(fromFile.stdout).config).toEqual(JSON.parse(fromPreset.stdout).config);
      const text = readFileSync(join(cwd, file), 'utf8');
      if (!file.endsWith('json'))
        expect(text).toMatch(/relay: 2,? +(#|\/\/) Training steps that an example stays in flight/);
    },
  );

  it('init refuses a name that says no notation', async () => {
    expect(await selfgrad(['config', 'init', 'c.txt'], { cwd: temporaryFolder() })).toEqual({
      status: 2,
      stdout: '',
      stderr:
        'ERR_OPTION  Expected a name that ends in .yaml, .yml, .json, .ts, .mts, .js or .mjs for config init but received c.txt.\n',
    });
  });

  it('init does not replace a file', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'selfgrad.yaml'), 'seed: 1\n');
    expect(await selfgrad(['config', 'init'], { cwd })).toEqual({
      status: 2,
      stdout: '',
      stderr:
        'ERR_OPTION  Expected a new file for config init but selfgrad.yaml exists. Give another name, or --force to replace it.\n',
    });
  });

  it('schema prints a JSON Schema', async () => {
    const { status, stdout } = await selfgrad(['config', 'schema']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'object', additionalProperties: false });
  });
});

describe('output', () => {
  it.each([
    [['train', '--dry-run'], 'selfgrad.plan/1'],
    [['config', 'print'], 'selfgrad.config/1'],
    [['config', 'validate'], 'selfgrad.config-check/1'],
    [['data', 'list'], 'selfgrad.data-list/1'],
  ])('of %j --json is one versioned document', async (args, schema) => {
    const { status, stdout } = await selfgrad([...args, '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ schema });
  });

  it('of --dry-run says what would run, and nothing is written', async () => {
    const cwd = temporaryFolder();
    const { status, stdout, stderr } = await selfgrad(
      [
        'train',
        '--dry-run',
        '--out',
        'run',
        'data.trainCount=1000',
        'train.strategy=pgd',
        'train.passes=11',
        'threads=2',
      ],
      { cwd },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatchInlineSnapshot(`
      "train     pgd · preact-resnet · linf 8/255
      network   77 562 parameters · 9 345 920 multiply-adds an image
      data      fashion-mnist-mini · 1 000 images of 1×28×28
      length    1 epochs · 11 passes per example · 8 steps of 128 images
      device    cpu · 2 threads
      out       run
      Nothing was run: this is --dry-run.
      "
    `);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('ends quietly when its reader goes away', async () => {
    const child = spawn(process.execPath, [main, 'config', 'schema'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it.skipIf(!existsSync('/dev/full'))('fails with a sentence when it cannot be written', () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [main, 'config', 'schema'], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect(status).toBe(1);
    expect(stderr).toBe(
      'ERR_WRITE  Cannot write to the standard output: ENOSPC: no space left on device, write.\n',
    );
  });
});
