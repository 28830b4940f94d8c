/** Data that is wrong: the command names the file, exits 2, and leaves nothing behind. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { npy, zipBytes } from '../unit/data/arrayFiles.ts';
import { idxBytes, idxPair, writeIdxPair } from '../unit/data/synthetic.ts';
import { selfgrad, temporaryFolder } from './selfgrad.ts';

const network = ['model.width=4', 'model.depths=[1]', 'threads=1', 'train.epochs=1', 'train.crop=0'];

/** Trains on `folder/set`, and checks that this is refused with the sentence and without a trace. */
async function expectRefusal(folder: string, source: string, sentence: string | RegExp): Promise<void> {
  const args = ['train', '--out', 'run', '--quiet', `data.source=${source}`, 'data.path=set', ...network];
  const { status, stdout, stderr } = await selfgrad([...args, 'train.validate.every=0'], { cwd: folder });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  if (typeof sentence === 'string') expect(stderr).toBe(`${sentence}\n`);
  else expect(stderr).toMatch(sentence);
  expect(existsSync(join(folder, 'run'))).toBe(false);
}

function folderWithSet(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'set'));
  return folder;
}

describe('IDX files', () => {
  const { images, labels } = idxPair();

  it.each<[string, { images: Buffer; labels: Buffer }, string]>([
    [
      'a truncated file',
      { images: images.subarray(0, -5), labels },
      'ERR_DATA  Expected 136 bytes (a header and 20 images of 3×2) for set/train-images-idx3-ubyte but received 131 bytes. The file is damaged: download or copy it again.',
    ],
    [
      'a file of another type',
      { images: Buffer.concat([Buffer.of(0, 0, 13, 3), images.subarray(4)]), labels },
      'ERR_DATA  Expected the magic number 00000803 (IDX images: rank 3, unsigned bytes) at offset 0 of set/train-images-idx3-ubyte but received 00000d03 (IDX of rank 3 of 32-bit floats). Check that the file is the right one and is whole.',
    ],
    [
      'a label out of range',
      {
        images,
        labels: idxBytes(
          [20],
          Array.from({ length: 20 }, (_, i) => (i === 7 ? 12 : 0)),
        ),
      },
      'ERR_LABEL  Label 12 at index 7 of the train set of set is outside 0…9 (10 classes). Correct the label or name every class.',
    ],
    [
      'an empty set',
      { images: idxBytes([0, 3, 2], []), labels: idxBytes([0], []) },
      'ERR_DATA  Expected at least one image for the train set of set but received 0. Check that data.path points at the right data.',
    ],
    [
      'labels of another set',
      { images, labels: idxPair(19).labels },
      'ERR_DATA  Expected 20 labels, one for each image of set/train-images-idx3-ubyte, at offset 4 of set/train-labels-idx1-ubyte but received 19. The two files belong to different sets: use a pair.',
    ],
  ])('%s', async (_, pair, sentence) => {
    const folder = folderWithSet();
    writeIdxPair(join(folder, 'set'), pair);
    await expectRefusal(folder, 'idx', sentence);
  });

  it('a damaged gzip file', async () => {
    const folder = folderWithSet();
    writeIdxPair(join(folder, 'set'), { images, labels }, true);
    const damaged = gzipSync(images);
    damaged[damaged.length >> 1]! ^= 0xff;
    writeFileSync(join(folder, 'set/train-images-idx3-ubyte.gz'), damaged);
    await expectRefusal(
      folder,
      'idx',
      /^ERR_DATA {2}Expected valid gzip data in set\/train-images-idx3-ubyte\.gz but received .+ The file is damaged: download or copy it again\.\n$/,
    );
  });

  it('an empty directory', async () => {
    const folder = folderWithSet();
    await expectRefusal(
      folder,
      'idx',
      /^ERR_DATA {2}Expected train-images-idx3-ubyte or train-images-idx3-ubyte\.gz in .*set but received neither\. Give the folder that holds the IDX files as data\.path\.\n$/,
    );
  });
});

it('a truncated CIFAR-10 file', async () => {
  const folder = folderWithSet();
  writeFileSync(join(folder, 'set/data_batch_1.bin'), Buffer.alloc(3073 + 100));
  for (const i of [2, 3, 4, 5])
    copyFileSync(join(folder, 'set/data_batch_1.bin'), join(folder, `set/data_batch_${i}.bin`));
  await expectRefusal(
    folder,
    'cifar10',
    'ERR_DATA  Expected 30730000 bytes (10000 records of cifar10) for set/data_batch_1.bin but received 3173 bytes. The file is damaged: download or copy it again.',
  );
});

describe('image folders', () => {
  async function folderOfImages(): Promise<string> {
    const folder = folderWithSet();
    for (const [name, background] of [
      ['cat', 'red'],
      ['dog', 'blue'],
    ] as const) {
      const directory = join(folder, 'set/train', name);
      mkdirSync(directory, { recursive: true });
      const image = sharp({ create: { width: 16, height: 16, channels: 3, background } });
      writeFileSync(join(directory, '1.jpg'), await image.jpeg().toBuffer());
    }
    return folder;
  }

  it('a truncated JPEG', async () => {
    const folder = await folderOfImages();
    const file = join(folder, 'set/train/dog/1.jpg');
    writeFileSync(file, readFileSync(file).subarray(0, -60));
    await expectRefusal(folder, 'image-folder', /^ERR_DATA {2}.*set\/train\/dog\/1\.jpg.*\n$/);
  });

  it('a text that is named .jpg', async () => {
    const folder = await folderOfImages();
    writeFileSync(join(folder, 'set/train/cat/2.jpg'), 'no image');
    await expectRefusal(folder, 'image-folder', /^ERR_DATA {2}.*set\/train\/cat\/2\.jpg.*\n$/);
  });

  it('a single class', async () => {
    const folder = folderWithSet();
    mkdirSync(join(folder, 'set/train/cat'), { recursive: true });
    await expectRefusal(
      folder,
      'image-folder',
      /^ERR_DATA {2}Expected a folder for each class, at least 2, in .*\n$/,
    );
  });
});

describe('array files and manifests', () => {
  const images = npy('|u1', [2, 1, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7]);

  it.each<[string, string, string, Buffer | string, string]>([
    [
      'a truncated archive',
      'npz',
      'train.npz',
      zipBytes([['images.npy', images]]).subarray(0, -30),
      'ERR_DATA  Expected a whole .npz archive in set/train.npz but received "End of central directory record signature not found. Either not a zip file, or file is truncated.". Save it again by numpy.savez or numpy.savez_compressed.',
    ],
    [
      'an array without labels',
      'npy',
      'train_images.npy',
      images,
      'ERR_DATA  Expected the array train_labels in set but received train_images. Name the arrays with data.images and data.labels.',
    ],
    [
      'a safetensors file of zeros',
      'safetensors',
      'train.safetensors',
      Buffer.alloc(64),
      'ERR_DATA  Expected a JSON object in the header of set/train.safetensors but received "". Check that the file is a whole safetensors file.',
    ],
    [
      'a manifest that leads out',
      'manifest',
      'train.csv',
      'path,label\n../secret.png,0\n',
      "ERR_DATA  Expected a path inside of the manifest's folder in line 2 of set/train.csv but received ../secret.png. Set data.outside=true if you trust the manifest.",
    ],
  ])('%s', async (_, source, file, content, sentence) => {
    const folder = folderWithSet();
    writeFileSync(join(folder, 'set', file), content);
    await expectRefusal(folder, source, sentence);
  });
});
