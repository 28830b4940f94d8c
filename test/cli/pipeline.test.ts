/** The main job from the command line: train, evaluate, attack, report. */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selfgrad, small, temporaryFolder } from './selfgrad.ts';

let folder: string;
let run: string;
let trained: { stdout: string; stderr: string };
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'selfgrad-pipeline-'));
  run = join(folder, 'run');
  const outcome = await selfgrad([
    'train',
    '--out',
    run,
    '--json',
    ...small,
    'train.epochs=2',
    'data.trainCount=256',
  ]);
  expect(outcome.status, outcome.stderr).toBe(0);
  trained = outcome;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('train', () => {
  it('prints one document on stdout, and one line an epoch on stderr', () => {
    const document = JSON.parse(trained.stdout);
    expect(document).toMatchObject({ schema: 'selfgrad.train/1', steps: 32, out: run });
    // Two passes an image and epoch, less one of the 16 that are in flight at the end.
    expect(document.passes).toEqual({ forward: 1008, backward: 1008 });
    expect(trained.stderr.match(/^epoch +\d+\/\d+(?= )/gm)).toEqual(['epoch   1/2', 'epoch   2/2']);
    expect(trained.stderr).not.toContain('\x1b');
  });

  it('writes its curves for TensorBoard on request, into a directory that the run makes', async () => {
    const out = join(temporaryFolder(), 'new', 'run');
    const args = [...small, 'train.epochs=1', 'data.trainCount=64', 'train.validate.every=0', '-q'];
    const { status, stderr } = await selfgrad(['train', '--out', out, '--tensorboard', ...args]);
    expect(status, stderr).toBe(0);
    const files = readdirSync(out).filter((name) => name.startsWith('events.out.tfevents.'));
    expect(files).toHaveLength(1);
    expect(readFileSync(join(out, files[0]!)).includes('epoch/perturbed_accuracy')).toBe(true);
  });

  it('prints each epoch once: as progress, or with the result when there is none', async () => {
    const args = [...small, 'train.epochs=2', 'data.trainCount=64', 'train.validate.every=0'];
    const outs = ['seen', 'quiet'].map((name) => join(folder, name)) as [string, string];
    const seen = await selfgrad(['train', '--out', outs[0], ...args]);
    const quiet = await selfgrad(['train', '--out', outs[1], '--quiet', ...args]);
    expect(seen.stderr.match(/^epoch +\d+\/\d+(?= )/gm)).toEqual(['epoch   1/2', 'epoch   2/2']);
    expect(seen.stdout).toMatch(
      /^trained in [\d.]+ s, [\d ]+ images\/s\nmodel {3}.*model\.safetensors\nnext {4}selfgrad eval .*\n$/,
    );
    expect(quiet.stderr).toBe('');
    expect(quiet.stdout.match(/^\w+( +\d+)?(?= )/gm)).toEqual([
      'epoch   1',
      'epoch   2',
      'trained',
      'model',
      'next',
    ]);
  });

  it('leaves a run directory', () => {
    expect(readdirSync(run).sort()).toEqual(
      expect.arrayContaining(['checkpoint.safetensors', 'config.json', 'events.jsonl', 'model.safetensors']),
    );
  });
});

describe('eval', () => {
  it('prints the table and writes the results beside the model', async () => {
    const { status, stdout, stderr } = await selfgrad(['eval', run]);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^evaluate +small-cnn · fashion-mnist-mini test 100 · linf 0\.1 · cpu · seed 0$/m);
    expect(stdout).toMatch(/^clean +\d/m);
    expect(stdout).toMatch(/^pgd +\d/m);
    expect(stdout).toMatch(/^cw-linf +\d/m);
    expect(stdout).toMatch(/^robust +\d/m);
    expect(stderr).toContain(`report  ${join(run, 'report.html')}`);
    const evaluation = JSON.parse(readFileSync(join(run, 'evaluation.json'), 'utf8'));
    expect(evaluation).toMatchObject({ schema: 'selfgrad.evaluation/2', clean: { count: 100 } });
    expect(evaluation.command).toBe(`npx selfgrad eval ${run}`);
    expect(evaluation.epsCurve.points).toHaveLength(3);
    expect(readFileSync(join(run, 'report.html'), 'utf8')).toContain('</html>');
    expect(readFileSync(join(run, 'evaluation.csv'), 'utf8')).toContain('pgd');
  });

  it('takes overrides, and writes elsewhere with --out', async () => {
    const out = temporaryFolder();
    const { status, stdout, stderr } = await selfgrad([
      'eval',
      join(run, 'model.safetensors'),
      '--out',
      out,
      '--json',
      '--quiet',
      'evaluate.count=20',
      'evaluate.attacks=[fgsm]',
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ clean: { count: 20 }, attacks: [{ name: 'fgsm' }] });
    expect(readdirSync(out).sort()).toEqual(['evaluation.csv', 'evaluation.json', 'report.html']);
  });

  it('evaluates the images that were held out, apart from the evaluation of the run', async () => {
    const args = ['eval', run, '--split', 'validation', 'evaluate.attacks=[fgsm]', '--quiet'];
    const refused = await selfgrad(args);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('for data.validation but received null');
    const { status, stdout, stderr } = await selfgrad([...args, 'data.validation=60', '--json']);
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout).data).toMatchObject({
      split: 'train',
      count: 60,
      note: expect.stringContaining('held out'),
    });
    expect(readdirSync(join(run, 'validation'))).toContain('evaluation.json');
    const planned = await selfgrad([...args, 'data.validation=60', '--dry-run']);
    expect(planned.stdout).toMatch(/^data +fashion-mnist-mini train 60$/m);
  });

  it('exits 3 when a gate is not met, after printing the results', async () => {
    const { status, stdout, stderr } = await selfgrad([
      'eval',
      run,
      '--out',
      temporaryFolder(),
      '--json',
      '--quiet',
      '--fail-under',
      'robust=0',
      '--fail-under',
      'clean=1',
      'evaluate.count=20',
      'evaluate.attacks=[fgsm]',
      'evaluate.epsCurve=null',
    ]);
    expect(status).toBe(3);
    expect(JSON.parse(stdout).schema).toBe('selfgrad.evaluation/2');
    expect(stderr).toMatch(/^ERR_GATE {2}The gate was not met: clean accuracy is 0\.\d{4}, below 1\.\n$/);
  });

  it('says what is wrong with a file that is no model', async () => {
    const { status, stdout, stderr } = await selfgrad(['eval', join(run, 'config.json')]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^ERR_CHECKPOINT {2}/);
  });
});

describe('report', () => {
  it('writes the same report again from what eval left', async () => {
    const out = temporaryFolder();
    const { status, stdout } = await selfgrad(['report', run, '--out', out]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: `report  ${join(out, 'report.html')}\n` });
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toBe(
      readFileSync(join(run, 'report.html'), 'utf8'),
    );
  });
});

describe('card', () => {
  it('writes the card of what eval measured: Markdown and JSON', async () => {
    const { status, stdout, stderr } = await selfgrad(['card', run]);
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: `card  ${join(run, 'card.md')}\n`,
      stderr: '',
    });
    const card = JSON.parse(readFileSync(join(run, 'card.json'), 'utf8'));
    const {
      examples: _,
      images: __,
      ...evaluation
    } = JSON.parse(readFileSync(join(run, 'evaluation.json'), 'utf8'));
    expect(card).toMatchObject({
      schema: 'selfgrad.card/1',
      model: { architecture: 'small-cnn', sha256: evaluation.model.sha256 },
      training: { strategy: 'self-gradient', threat: 'linf 0.1', epochs: 2, passes: { forward: 1008 } },
      reproduce: {
        train: `npx selfgrad train -c ${join(run, 'config.json')} --out ${run}-again`,
        evaluate: `npx selfgrad eval ${run}`,
      },
    });
    expect(card.evaluation).toEqual(evaluation);
    expect(readFileSync(join(run, 'card.md'), 'utf8')).toContain('**Robust accuracy');
  });

  it('says that nothing was measured where there is no evaluation', async () => {
    const copy = temporaryFolder();
    copyFileSync(join(run, 'model.safetensors'), join(copy, 'model.safetensors'));
    const { status, stdout, stderr } = await selfgrad(['card', copy, '--json']);
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: `There is no evaluation in ${copy}: run selfgrad eval for figures.\n`,
    });
    expect(JSON.parse(stdout)).toMatchObject({
      evaluation: null,
      training: { config: null },
      limits: ['The network was not evaluated: assume that it is not robust.'],
      reproduce: { train: null, evaluate: null },
    });
  });
});

describe('export', () => {
  it('writes an ONNX file into the run directory, or where it is told to', async () => {
    const { status, stdout } = await selfgrad(['export', run]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: `onnx  ${join(run, 'model.onnx')}\n` });
    const file = join(temporaryFolder(), 'network.onnx');
    const other = await selfgrad(['export', join(run, 'checkpoint.safetensors'), '--out', file, '--json']);
    expect(JSON.parse(other.stdout)).toEqual({
      schema: 'selfgrad.export/1',
      format: 'onnx',
      model: join(run, 'checkpoint.safetensors'),
      file,
    });
    expect(readFileSync(file).includes('Ankle boot')).toBe(true);
  });

  it('knows no other format', async () => {
    const { status, stderr } = await selfgrad(['export', run, '--format', 'tflite']);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr:
        "ERR_OPTION  Option '--format <format>' argument 'tflite' is invalid. Allowed choices are onnx.\n",
    });
  });
});

describe('inspect', () => {
  it('names metadata and tensors', async () => {
    const { status, stdout } = await selfgrad(['inspect', run, '--json']);
    expect(status).toBe(0);
    const { schema, tensors } = JSON.parse(stdout);
    expect(schema).toBe('selfgrad.tensors/1');
    expect(tensors.length).toBeGreaterThan(4);
    const text = await selfgrad(['inspect', run]);
    expect(text.stdout).toContain(`${tensors.length} tensors, `);
    const { layers } = JSON.parse(stdout);
    expect(layers[0]).toMatchObject({ name: 'conv1', kind: 'conv' });
    expect(text.stdout).toMatch(/^\d+ layers, [\d ]+ parameters, [\d ]+ multiply-adds an image$/m);
  });
});

/** Margins to rounding: sums depend on the batch. */
function toRounding<T extends { margins: (number | null)[] }>(images: T) {
  return { ...images, margins: images.margins.map((margin) => margin && expect.closeTo(margin, 4)) };
}

describe('eval in shards', () => {
  it('merges to the numbers of the whole', async () => {
    const out = (name: string) => join(folder, name);
    const whole = await selfgrad(['eval', run, '--json', '-q', '--out', out('whole')]);
    for (const shard of ['1/2', '2/2']) {
      const { status, stderr } = await selfgrad([
        'eval',
        run,
        '-q',
        '--shard',
        shard,
        '--out',
        out(shard[0]!),
      ]);
      expect([status, stderr]).toEqual([0, '']);
    }
    const merged = await selfgrad(['merge', out('2'), out('1'), '--json', '--out', out('merged')]);
    const [expected, received] = [whole, merged].map(({ stdout }) => JSON.parse(stdout));
    for (const what of ['clean', 'robust', 'perClass', 'epsCurve', 'warnings']) {
      expect(received[what], what).toEqual(expected[what]);
    }
    expect(received.images).toEqual(toRounding(expected.images));
    expect(readdirSync(out('merged')).sort()).toEqual(['evaluation.csv', 'evaluation.json', 'report.html']);
    const missing = await selfgrad(['merge', out('2'), out('2'), '--out', out('bad')]);
    expect([missing.status, missing.stderr]).toEqual([2, expect.stringMatching(/^ERR_OPTION {2}/)]);
    const gate = await selfgrad([
      'merge',
      out('1'),
      out('2'),
      '--out',
      out('merged'),
      '--fail-under',
      'robust=1',
    ]);
    expect(gate.status).toBe(3);
  });

  it('goes on after SIGTERM', async () => {
    const out = join(folder, 'resumed');
    const words = ['eval', run, '--out', out, 'evaluate.saveEvery=25', 'evaluate.epsCurve=null'];
    const { status, stderr } = await selfgrad(words, {
      onStderr: (child, text) => {
        if (!child.killed && text.includes('25 of 100 images')) child.kill('SIGTERM');
      },
    });
    expect([status, stderr]).toEqual([75, expect.stringContaining('Repeat the command with --resume')]);
    const resumed = await selfgrad([...words, '--resume', '--json']);
    expect(resumed.status, resumed.stderr).toBe(0);
    const whole = await selfgrad([
      'eval',
      run,
      '--json',
      '-q',
      '--out',
      join(folder, 'once'),
      'evaluate.epsCurve=null',
    ]);
    expect(JSON.parse(resumed.stdout).images).toEqual(toRounding(JSON.parse(whole.stdout).images));
    expect(existsSync(join(out, 'evaluation.partial.jsonl'))).toBe(false);
  });
});

describe('masking', () => {
  const few = ['masking.count=20', 'masking.apgdSteps=5', 'masking.queries=10', 'masking.points=5'];

  it('prints each check and the verdict, and writes the document', async () => {
    const out = join(folder, 'masking.json');
    const { status, stdout } = await selfgrad(['masking', run, ...few, '--out', out]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^gradient-error {6}ok {6}finite differences deviate by /m);
    expect(stdout).toMatch(/^verdict {2}/m);
    const document = JSON.parse(readFileSync(out, 'utf8'));
    expect(document).toMatchObject({ schema: 'selfgrad.masking/1', options: { count: 20, apgdSteps: 5 } });
    expect(document.command).toContain('npx selfgrad masking');
  });

  it('is a gate: exit 3 when a check is raised', async () => {
    // One step at a large eps: five steps break far more.
    const weak = ['masking.steps=1', 'threat.eps=0.3', '--fail-if-suspect'];
    const { status, stdout, stderr } = await selfgrad(['masking', run, ...few, ...weak, '-q']);
    expect([status, stdout.match(/^steps .*RAISED/m)?.length, stderr]).toEqual([
      3,
      1,
      expect.stringMatching(/^ERR_GATE {2}The gate was not met: .*steps.* raised\./),
    ]);
  });
});

describe('stability', () => {
  const few = ['stability.count=20', 'stability.iterations=2', 'stability.certify.count=4'];

  it('prints its table, and writes the values of each image where it is told to', async () => {
    const out = join(folder, 'stability.json');
    const { status, stdout, stderr } = await selfgrad(['stability', run, ...few, '--out', out]);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(
      /^stability {2}small-cnn · fashion-mnist-mini test 20 · linf 0\.1 · cpu · seed 0$/m,
    );
    expect(stdout).toMatch(/^certified radius {2}p5 /m);
    expect(stderr).toMatch(/^diagnose {2}20 images\ncertify {2}4 images$/m);
    const document = JSON.parse(readFileSync(out, 'utf8'));
    expect(document.schema).toBe('selfgrad.stability/1');
    expect(document.images.gradientL1).toHaveLength(20);
    expect(document.command).toContain('npx selfgrad stability');
  });

  it('prints one document for --json', async () => {
    const { status, stdout } = await selfgrad(['stability', run, ...few, '--json', '-q']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout).bound.certified.count).toBe(4);
  });

  it('is shown by the report where it lies in the run', async () => {
    const [file, out] = [join(run, 'stability.json'), temporaryFolder()];
    await selfgrad(['stability', run, ...few, '--out', file]);
    const { status, stderr } = await selfgrad(['report', run, '--out', out]);
    rmSync(file);
    expect(status, stderr).toBe(0);
    const report = readFileSync(join(out, 'report.html'), 'utf8');
    expect(report).toContain('How the loss behaves around 20 images, L∞ ≤ 0.1');
    expect(report).toContain('id="loss-profile-wide-title"');
  });
});

describe('attack', () => {
  it('saves chosen images and says what rounding to 8 bits does', async () => {
    const out = join(temporaryFolder(), 'images');
    const { status, stdout, stderr } = await selfgrad([
      'attack',
      run,
      '--index',
      '0..2,7',
      '--attack',
      '{name: pgd, steps: 3, eps: 0.3}',
      '--out',
      out,
      '--json',
    ]);
    expect(status, stderr).toBe(0);
    const { images, attack } = JSON.parse(stdout);
    expect(attack).toMatchObject({ name: 'pgd', steps: 3, eps: 0.3 });
    expect(images.map(({ index }: { index: number }) => index)).toEqual([0, 1, 2, 7]);
    for (const image of images) {
      expect(image.success).toBe(image.prediction !== image.label);
      expect(image.linf).toBeLessThanOrEqual(0.3 + 1e-6);
    }
    expect(readdirSync(out)).toEqual(
      expect.arrayContaining(['00000-adversarial.png', '00000-original.png', 'attack.json']),
    );
  });

  it.each([
    [[], /^clean {2}\d+\.\d\d % {2}10 images\npgd {2}\d+ broken\n$/],
    [['--quiet'], /^$/],
    [['--progress', 'none'], /^$/],
  ])('shows its progress as other commands do: %j', async (flags, expected) => {
    const out = temporaryFolder();
    const { status, stderr } = await selfgrad(['attack', run, ...flags, '--attack', 'pgd', '--out', out]);
    expect(stderr).toMatch(expected);
    expect(status).toBe(0);
  });

  it('tells its progress as events that agree with its result', async () => {
    const { stderr, stdout } = await selfgrad([
      ...['attack', run, '--index', '0..29', '--attack', '{name: pgd, steps: 3, eps: 0.3}'],
      ...['--out', temporaryFolder(), '--progress', 'json', '--json'],
    ]);
    const images: { label: number; cleanPrediction: number; success: boolean }[] = JSON.parse(stdout).images;
    const right = images.filter(({ label, cleanPrediction }) => label === cleanPrediction);
    const broken = right.filter(({ success }) => success).length;
    expect(broken).toBeGreaterThan(0);
    const attacked = { type: 'attack', attack: 0, name: 'pgd', total: right.length };
    expect(
      stderr
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { type: 'clean', done: 30, correct: right.length, count: 30 },
      { ...attacked, done: 0, broken: 0 },
      { ...attacked, done: right.length, broken },
      { type: 'attack-end', attack: 0, name: 'pgd', broken, robust: right.length - broken },
    ]);
  });

  it('is that of a whole evaluation with eval --save-images', async () => {
    const out = temporaryFolder();
    const images = join(out, 'images');
    const { status, stderr } = await selfgrad([
      'eval',
      run,
      'evaluate.count=40',
      'evaluate.attacks=[{name: fgsm, eps: 0.3}]',
      'evaluate.epsCurve=null',
      '--out',
      out,
      '--save-images',
      images,
    ]);
    expect(status, stderr).toBe(0);
    const found = JSON.parse(readFileSync(join(images, 'adversarial-00000-00039.json'), 'utf8')).images;
    const kept = found.filter((image: { successAfterRounding: boolean }) => image.successAfterRounding);
    expect(found.length).toBeGreaterThan(0);
    expect(stderr).toContain(
      `images  ${images}  ${found.length} adversarial; ${kept.length} survive rounding to the 8 bits of a PNG\n`,
    );
    expect(existsSync(join(images, found[0].adversarial))).toBe(true);
  });

  it('refuses an index beyond the split', async () => {
    const { status, stderr } = await selfgrad([
      'attack',
      run,
      '--index',
      '100',
      '--out',
      join(folder, 'none'),
    ]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr:
        'ERR_OPTION  Expected indices in [0, 100) for --index but received 100 (number). The test split of fashion-mnist-mini has 100 images.\n',
    });
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });
});
