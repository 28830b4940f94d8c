/** The command line on models that users bring: a TorchScript file and a state_dict, on the tests' tiny images. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tinyImages } from '../native/tiny.ts';
import { safetensorsBytes } from '../unit/data/arrayFiles.ts';
import { selfgrad, temporaryFolder } from './selfgrad.ts';

const reference = (name: string) => join(import.meta.dirname, '../../native/test/nn/reference', name);

/** A folder with 30 images and the options that name them. */
function withImages(channels = 1): { folder: string; options: string[] } {
  const folder = temporaryFolder();
  const { images, labels } = tinyImages(30 * channels, 2);
  const path = join(folder, 'images.safetensors');
  const tensors = {
    images: { dtype: 'U8', shape: [30, channels, 8, 8], bytes: images },
    labels: { dtype: 'I32', shape: [30], bytes: new Uint8Array(labels.slice(0, 30).buffer) },
  };
  writeFileSync(path, safetensorsBytes(tensors));
  const options = ['data.source=safetensors', `data.path=${path}`, 'data.layout=nchw', 'threads=1'];
  return { folder, options };
}

test('eval, attack and stability take a TorchScript file, with a warning on stderr', async () => {
  const { folder, options } = withImages();
  const model = join(folder, 'model.pt');
  copyFileSync(reference('script_model.pt'), model);
  const declared = [...options, 'model.mean=[0.5]', 'model.std=[0.25]', 'threat.eps=0.1'];
  const evaluated = await selfgrad(['eval', model, ...declared, 'evaluate.epsCurve=null', '--json']);
  expect(evaluated).toMatchObject({ status: 0, stderr: expect.stringContaining('[W_TORCHSCRIPT]') });
  const evaluation = JSON.parse(evaluated.stdout);
  expect(evaluation).toMatchObject({
    model: { architecture: 'torchscript', path: model, parameters: 411 },
    warnings: [],
  });
  expect(evaluation.clean.rate).toBeGreaterThan(0.9);
  expect(JSON.parse(readFileSync(join(folder, 'evaluation.json'), 'utf8')).robust).toEqual(evaluation.robust);
  const attacked = await selfgrad([
    'attack',
    model,
    ...declared,
    '--index',
    '0..2',
    '--out',
    join(folder, 'out'),
  ]);
  expect(attacked).toMatchObject({ status: 0, stdout: expect.stringContaining('correctly classified') });
  const stable = await selfgrad([
    'stability',
    model,
    ...declared,
    'stability.count=4',
    'stability.iterations=2',
  ]);
  expect(stable).toMatchObject({ status: 0, stdout: expect.stringContaining('W_NO_BOUND') });
}, 120_000);

test('eval takes a state_dict by the name of its architecture, and lists what does not fit', async () => {
  const { options } = withImages(3);
  const flags = ['--architecture', 'preact-resnet-18'];
  const outcome = await selfgrad(['eval', reference('plain_state_dict.safetensors'), ...options, ...flags]);
  expect(outcome).toMatchObject({ status: 2, stdout: '' });
  expect(outcome.stderr).toContain(
    'ERR_CHECKPOINT  Expected the tensors of preact-resnet-plain with width 64',
  );
  expect(outcome.stderr).toContain('conv1.weight [4, 3, 3, 3] instead of [64, 3, 3, 3]');
}, 60_000);

test('eval and attack follow the gradients of another model, and say whose', async () => {
  const { folder, options } = withImages();
  const [model, source] = [join(folder, 'model.pt'), join(folder, 'source.pt')];
  for (const path of [model, source]) copyFileSync(reference('script_model.pt'), path);
  const declared = [...options, 'model.mean=[0.5]', 'model.std=[0.25]', 'threat.eps=0.1'];
  const attack = `{ name: transfer, model: ${source}, mean: [0.5], std: [0.25], attack: { name: pgd, steps: 5 } }`;
  const asked = [...declared, `evaluate.attacks=${attack}`, 'evaluate.epsCurve=null'];
  const planned = await selfgrad(['eval', model, ...asked, '--dry-run']);
  expect(planned.stdout).toContain(
    `attack    transfer pgd · 5 steps · 1 restart · eps 0.1 · gradients of ${source}\n`,
  );
  const evaluated = await selfgrad(['eval', model, ...asked]);
  expect(evaluated).toMatchObject({ status: 0, stderr: expect.stringContaining('[W_TORCHSCRIPT]') });
  expect(evaluated.stdout).toMatch(
    new RegExp(`^transfer pgd .* gradients of ${source}: \\d+ fwd, \\d+ bwd$`, 'm'),
  );
  const { attacks } = JSON.parse(readFileSync(join(folder, 'evaluation.json'), 'utf8'));
  expect(attacks[0]).toMatchObject({
    name: 'transfer',
    options: { attack: 'pgd', steps: 5 },
    source: { path: source },
  });
  const out = join(folder, 'out');
  const attacked = await selfgrad([
    'attack',
    model,
    ...declared,
    '--attack',
    attack,
    '--index',
    '0..2',
    '--out',
    out,
  ]);
  expect(attacked).toMatchObject({ status: 0, stdout: expect.stringContaining('correctly classified') });
  expect(JSON.parse(readFileSync(join(out, 'attack.json'), 'utf8')).attack).toMatchObject({
    name: 'transfer',
    model: source,
  });
  const missing = await selfgrad(['eval', model, ...declared, 'evaluate.attacks=transfer']);
  expect(missing).toMatchObject({
    status: 2,
    stderr: 'ERR_OPTION  Expected the path of a model for evaluate.attacks[0].model but received nothing.\n',
  });
}, 120_000);
