/**
 * Damaged and foreign model files. safetensors carries no checksum of its own, so ours stands in the metadata. What is
 * wrong must be refused with the name of the file, and nothing may crash.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadModel, SelfgradError, train } from '../../src/index.ts';
import { rejection, temporaryFolder, tinyConfig, tinyData } from './tiny.ts';

const folder = temporaryFolder();
const run = join(folder, 'run');
const damaged = join(folder, 'damaged.safetensors');
let whole: Buffer;
let headerEnd: number;
beforeAll(async () => {
  using data = await tinyData(16);
  (await train(tinyConfig({ epochs: 1 }), { data, out: run }).result).model.dispose();
  whole = readFileSync(join(run, 'model.safetensors'));
  headerEnd = 8 + Number(whole.readBigUInt64LE(0));
});

/** The error of loading these bytes; undefined when they load. */
async function errorOf(bytes: Uint8Array): Promise<SelfgradError | undefined> {
  writeFileSync(damaged, bytes);
  try {
    (await loadModel(damaged)).dispose();
    return undefined;
  } catch (error) {
    return error as SelfgradError;
  }
}

/** A safetensors file of this header, with `payload` bytes of tensors. */
function fileOf(header: object, payload = 0): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(payload)]);
}

/** The header of the whole file, and the file again with another one. */
const header = () => JSON.parse(whole.toString('utf8', 8, headerEnd));
const withMetadata = (changes: Record<string, string>) => {
  const { __metadata__: metadata, ...tensors } = header();
  // Other programs that change a file drop the checksum.
  delete metadata['selfgrad.checksum'];
  return fileOf({ __metadata__: { ...metadata, ...changes }, ...tensors }, whole.length - headerEnd);
};

describe('loadModel', () => {
  it('refuses a flipped bit anywhere, except in the name of the checksum', async () => {
    const name = whole.indexOf('selfgrad.checksum');
    // Every byte of the length, every fifth of the JSON and some of the weights, at changing bits.
    const places = [...Array(whole.length).keys()].filter(
      (at) => at < 8 || (at < headerEnd ? at % 5 === 0 : at % 997 === 0),
    );
    for (const at of places) {
      const bytes = Buffer.from(whole);
      bytes[at] = bytes[at]! ^ (1 << (at % 7));
      const error = await errorOf(bytes);
      if (error === undefined) {
        expect(at, `bit ${at % 7} of byte ${at}`).toBeGreaterThanOrEqual(name);
        expect(at).toBeLessThan(name + 'selfgrad.checksum'.length);
      } else {
        expect(error, `bit ${at % 7} of byte ${at}`).toBeInstanceOf(SelfgradError);
        expect(error).toMatchObject({ code: 'ERR_CHECKPOINT', message: expect.stringContaining(damaged) });
      }
    }
  });

  it.each<[string, () => Uint8Array, string]>([
    ['an empty file', () => new Uint8Array(0), 'received 0 bytes. The file is cut or of another format.'],
    [
      'a file that is cut in its header',
      () => whole.subarray(0, 100),
      'in a file of 100. The file is cut or of another format.',
    ],
    [
      'a file that is cut in its tensors',
      () => whole.subarray(0, -1),
      'The file is cut, or has more behind it.',
    ],
    [
      'a file with more behind it',
      () => Buffer.concat([whole, Buffer.of(0)]),
      'The file is cut, or has more behind it.',
    ],
    [
      'a text',
      () => Buffer.from('not a model, but a text that is long enough'),
      'The file is cut or of another format.',
    ],
    [
      'a safetensors file that others wrote',
      () => fileOf({ 'fc.weight': { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }, 4),
      'but its metadata has no format. Use model.safetensors or checkpoint.safetensors of a run directory.',
    ],
    [
      'a file of a later format',
      () => withMetadata({ 'selfgrad.format': '9' }),
      'but its metadata has format 9. Use model.safetensors or checkpoint.safetensors of a run directory.',
    ],
    [
      'a format of a thousand characters',
      () => withMetadata({ 'selfgrad.format': '9'.repeat(1000) }),
      `but its metadata has format ${'9'.repeat(64)}... (1000 bytes). Use model.safetensors or checkpoint.safetensors of a run directory.`,
    ],
    [
      'a network of an implausible size',
      () => withMetadata({ 'model.width': '1000000000' }),
      'Expected a network of plausible size in the metadata of ',
    ],
    [
      'an unknown architecture',
      () => withMetadata({ 'model.architecture': 'resnet-9000' }),
      'but it holds another. ',
    ],
    [
      'weights of another width',
      () => withMetadata({ 'model.width': '5' }),
      'but it holds another. Expected ',
    ],
  ])('refuses %s', async (_, bytes, sentence) => {
    expect(await errorOf(bytes())).toMatchObject({
      code: 'ERR_CHECKPOINT',
      exitCode: 2,
      message: expect.stringContaining(sentence),
    });
  });

  it('refuses a file and a directory that hold nothing', async () => {
    const [file, directory] = [join(folder, 'none.safetensors'), join(folder, 'directory')];
    mkdirSync(directory);
    for (const [path, looked] of [
      [file, file],
      [directory, join(directory, 'model.safetensors')],
    ] as const) {
      expect(await rejection(loadModel(path))).toMatchObject({
        code: 'ERR_CHECKPOINT',
        message: `Expected a safetensors file at ${looked} but received no file. Check the path.`,
      });
    }
  });
});

describe('resuming', () => {
  const failure = async () => {
    using data = await tinyData(16);
    return await rejection(train(tinyConfig({ epochs: 1 }), { data, out: run, resume: true }).result);
  };

  it('refuses a checkpoint with one flipped bit and leaves it as it is', async () => {
    const checkpoint = join(run, 'checkpoint.safetensors');
    const before = readFileSync(checkpoint);
    const flipped = Buffer.from(before);
    flipped[flipped.length - 100]! ^= 4;
    writeFileSync(checkpoint, flipped);
    expect(await failure()).toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringMatching(
        /^Expected a safetensors file at .*checkpoint\.safetensors but received other bytes than were written \(checksum [\da-f]{16} instead of [\da-f]{16}\)\. The file is damaged: use a copy\. If another program changed it on purpose, drop selfgrad\.checksum from its metadata\.$/,
      ),
    });
    expect(readFileSync(checkpoint)).toEqual(flipped);
    writeFileSync(checkpoint, before);
  });

  it('refuses a damaged checkpoint and leaves it as it is', async () => {
    const checkpoint = join(run, 'checkpoint.safetensors');
    const cut = readFileSync(checkpoint).subarray(0, -10);
    writeFileSync(checkpoint, cut);
    expect(await failure()).toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringMatching(
        /checkpoint\.safetensors but received \d+ bytes of tensors instead of \d+\. The file is cut, or has more behind it\.$/,
      ),
    });
    expect(readFileSync(checkpoint)).toEqual(cut);
  });
});
