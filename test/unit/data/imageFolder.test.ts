import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { encode } from 'fast-png';
import sharp from 'sharp';
import { afterEach, expect, test, vi } from 'vitest';
import { openImageFolder } from '../../../src/data/imageFolder.ts';
import { takeFirst } from '../../../src/data/takeFirst.ts';
import { SelfgradError } from '../../../src/errors.ts';
import { readAll, temporaryFolders } from './synthetic.ts';

const newFolder = temporaryFolders();
afterEach(() => {
  vi.doUnmock('sharp');
  vi.resetModules();
});

/** A PNG whose pixels are all `colour`. */
function png(colour: number[], height = 2, width = 3): Buffer {
  const data = Uint8Array.from(
    { length: height * width * colour.length },
    (_, i) => colour[i % colour.length]!,
  );
  return Buffer.from(encode({ width, height, data, channels: colour.length as 1 | 2 | 3 | 4, depth: 8 }));
}

function write(root: string, files: Record<string, Buffer | string>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

function jpeg(quality = 90): Promise<Buffer> {
  const pixels = Buffer.from(Array.from({ length: 32 * 32 * 3 }, (_, i) => (i * i) % 256));
  return sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
}

const twoClasses = {
  'train/b/x.png': png([9, 8, 7]),
  'train/a/y.png': png([1, 2, 3]),
  'train/a/z.PNG': png([4, 5, 6]),
};

test('classes are sorted by name, images come one of each class in turn, pixels are NCHW', async () => {
  const path = write(newFolder(), {
    ...twoClasses,
    'test/a/0.png': png([0, 0, 0]),
    'test/b/0.png': png([0, 0, 0]),
  });
  const source = await openImageFolder({ path });
  expect([source.count, source.channels, source.height, source.width, source.classes, source.note]).toEqual([
    3,
    3,
    2,
    3,
    ['a', 'b'],
    null,
  ]);
  const planes = (colour: number[]) => colour.flatMap((value) => Array(6).fill(value));
  expect(await readAll(source)).toEqual({
    images: [...planes([1, 2, 3]), ...planes([9, 8, 7]), ...planes([4, 5, 6])],
    labels: [0, 1, 0],
    indices: [0, 1, 2],
  });
  expect((await openImageFolder({ path, split: 'test' })).count).toBe(2);
});

test('a folder without splits serves both and says so; other files are counted', async () => {
  const path = write(newFolder(), {
    'a/1.png': png([1, 1, 1]),
    'a/notes.txt': 'x',
    'b/1.png': png([2, 2, 2]),
    '.git/x.png': '',
  });
  for (const split of ['train', 'test'] as const) {
    const source = await openImageFolder({ path, split });
    expect([source.count, source.note]).toEqual([
      2,
      'no train/ and test/ folders: both splits are the same images; 1 other file ignored (notes.txt)',
    ]);
  }
});

test('both splits being the same images is a warning of the test split, which asks for the folder around', async () => {
  const path = write(newFolder(), {
    'train/a/1.png': png([1, 1, 1]),
    'train/b/1.png': png([2, 2, 2]),
    'test/a/1.png': png([1, 1, 1]),
    'test/b/1.png': png([2, 2, 2]),
  });
  const inner = join(path, 'train');
  expect((await openImageFolder({ path: inner })).warnings).toEqual([]);
  const source = await openImageFolder({ path: inner, split: 'test' });
  const warning = {
    code: 'W_SAME_SPLITS',
    message: `${inner} has no folders train and test, so both splits are the same images: figures are of images that were trained on. Did you mean ${path}?`,
  };
  expect(source.warnings).toEqual([warning]);
  expect(takeFirst(source, 1).warnings).toEqual([warning]);
  expect((await openImageFolder({ path, split: 'test' })).warnings).toEqual([]);
});

test.each(['val', 'valid', 'validation'])(
  '%s serves as the test split where there is no test',
  async (name) => {
    const path = write(newFolder(), {
      ...twoClasses,
      [`${name}/a/1.png`]: png([7, 7, 7]),
      [`${name}/b/1.png`]: png([8, 8, 8]),
    });
    const source = await openImageFolder({ path, split: 'test' });
    expect([source.count, source.note]).toEqual([2, `the test split is ${name}/`]);
    write(path, {
      'test/a/1.png': png([7, 7, 7]),
      'test/b/1.png': png([8, 8, 8]),
      'test/b/2.png': png([8, 8, 8]),
    });
    const own = await openImageFolder({ path, split: 'test' });
    expect([own.count, own.note]).toEqual([3, null]);
  },
);

test('a class that goes by two names is told with both, and an empty one as empty', async () => {
  const path = write(newFolder(), {
    ...twoClasses,
    'test/a/1.png': png([7, 7, 7]),
    'test/bs/1.png': png([8, 8, 8]),
  });
  await expect(openImageFolder({ path })).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: `Expected the same classes in train and test of ${path} but received b in train only and bs in test only. Give each class one name in both.`,
  });
  rmSync(join(path, 'test/bs/1.png'));
  await expect(openImageFolder({ path })).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: `Expected a .jpg, .jpeg or .png file in ${join(path, 'test/bs')} but received an empty folder. Put images there or remove the folder: each folder is a class.`,
  });
});

test('a class may be called train, and class folders may be links', async () => {
  const path = write(newFolder(), { 'train/1.png': png([1, 1, 1]), 'elsewhere/1.png': png([2, 2, 2]) });
  symlinkSync(join(path, 'elsewhere'), join(path, 'boat'));
  expect((await openImageFolder({ path })).classes).toEqual(['boat', 'elsewhere', 'train']);
});

test('a JPEG is decoded as its decoder does, which the note names', async () => {
  const bytes = await jpeg();
  const path = write(newFolder(), { 'a/1.jpg': bytes, 'b/1.JPEG': bytes });
  const source = await openImageFolder({ path });
  expect(source.note).toContain(
    `JPEG decoded by sharp ${sharp.versions.sharp} / libvips ${sharp.versions.vips}`,
  );
  const { images } = await readAll(source);
  const raw = await sharp(bytes).raw().toBuffer();
  for (const [c, i] of [
    [0, 0],
    [1, 500],
    [2, 1023],
  ] as const)
    expect(images[c * 1024 + i]).toBe(raw[i * 3 + c]);
});

test('grey, 16-bit and transparent images become 8-bit colour; colour becomes grey when asked', async () => {
  const deep = Buffer.from(
    encode({ width: 3, height: 2, data: new Uint16Array(18).fill(0x8000), channels: 3, depth: 16 }),
  );
  const path = write(newFolder(), {
    'a/1.png': png([77]),
    'a/2.png': deep,
    'b/1.png': png([100, 110, 120, 128]),
    'b/2.png': png([50, 50, 50]),
  });
  const { images } = await readAll(await openImageFolder({ path }));
  expect([0, 18, 24, 30, 36, 54].map((i) => images[i])).toEqual([77, 50, 55, 60, 128, 50]);
  const grey = await openImageFolder({ path, channels: 1 });
  expect(grey.channels).toBe(1);
  expect((await readAll(grey)).images.filter((_, i) => i % 6 === 0)).toEqual([77, 55, 128, 50]);
});

test('sizes that differ are refused with the file, and equalled by size', async () => {
  const path = write(newFolder(), {
    'a/1.png': png([5, 5, 5]),
    'a/2.png': png([5, 5, 5], 4, 4),
    'b/1.png': png([5, 5, 5]),
  });
  await expect(openImageFolder({ path }).then(readAll)).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: `Expected an image of 2×3 (height×width, as the first) for ${join(path, 'a/2.png')} but received 4×4. Choose one size for all, e.g. data.size=[64,64] (--size 64x64 for \`selfgrad data\`).`,
  });
  const source = await openImageFolder({ path, size: [5, 4] });
  expect([source.height, source.width]).toEqual([5, 4]);
  expect(source.note).toContain('resized to 5×4 by sharp');
  expect((await readAll(source)).images).toEqual(Array(3 * 3 * 5 * 4).fill(5));
});

test('the first damaged file in order is named, whichever is decoded first', async () => {
  const whole = await jpeg();
  const files: Record<string, Buffer> = {};
  for (let i = 10; i < 40; i++) {
    files[`a/${i}.jpg`] = i >= 20 ? whole.subarray(0, -200) : whole;
    files[`b/${i}.jpg`] = whole;
  }
  const path = write(newFolder(), files);
  for (let round = 0; round < 3; round++) {
    await expect(openImageFolder({ path }).then(readAll)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: `Expected a whole JPEG or PNG image in ${join(path, 'a/20.jpg')} but received one that cannot be decoded (VipsJpeg: premature end of JPEG image). Repair, replace or remove the file.`,
    });
  }
});

test.each([
  ['an empty file', Buffer.alloc(0), 'an empty file'],
  [
    'another format under the name of JPEG',
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
    'the bytes 3c737667',
  ],
  ['a truncated PNG', png([1, 2, 3]).subarray(0, 50), ''],
  [
    'a PNG with an altered pixel byte',
    (() => {
      const bytes = png([1, 2, 3]);
      bytes[45]! ^= 0xff;
      return bytes;
    })(),
    '',
  ],
])('%s is refused', async (_, content, found) => {
  const path = write(newFolder(), { 'a/1.png': png([1, 1, 1]), 'b/bad.jpg': content });
  await expect(openImageFolder({ path }).then(readAll)).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: expect.stringContaining(
      `Expected a whole JPEG or PNG image in ${join(path, 'b/bad.jpg')} but received ${found}`,
    ),
  });
});

test('an image of billions of pixels is refused by its header', async () => {
  const hostile = Buffer.from(png([1, 2, 3]));
  hostile.writeUInt32BE(60_000, 16);
  hostile.writeUInt32BE(60_000, 20);
  const path = write(newFolder(), { 'a/1.png': hostile, 'b/1.png': png([1, 1, 1]) });
  await expect(openImageFolder({ path })).rejects.toMatchObject({
    code: 'ERR_DATA',
    message: expect.stringContaining(join(path, 'a/1.png')),
  });
});

test('an unreadable image is named', async () => {
  const path = write(newFolder(), { 'a/1.png': png([1, 1, 1]), 'b/1.png': png([1, 1, 1]) });
  symlinkSync(join(path, 'gone.png'), join(path, 'b/2.png'));
  await expect(openImageFolder({ path }).then(readAll)).rejects.toThrow(
    `Expected a readable image at ${join(path, 'b/2.png')} but received nothing there (ENOENT). Check the path and its permissions.`,
  );
});

test('a class folder without images, too few classes and a missing folder are refused', async () => {
  const path = write(newFolder(), { 'a/1.png': png([1, 1, 1]), 'b/readme.txt': 'x' });
  await expect(openImageFolder({ path })).rejects.toThrow(
    `Expected a .jpg, .jpeg or .png file in ${join(path, 'b')} but received only readme.txt. Put images there or remove the folder: each folder is a class.`,
  );
  const one = write(newFolder(), { 'a/1.png': png([1, 1, 1]) });
  await expect(openImageFolder({ path: one })).rejects.toThrow(
    `Expected a folder for each class, at least 2, in ${one} but received 1. Lay the images out as train/CLASS/NAME.jpg and test/CLASS/NAME.jpg.`,
  );
  const gone = join(one, 'gone');
  await expect(openImageFolder({ path: gone })).rejects.toThrow(
    `Expected a readable folder at ${gone} but received nothing there (ENOENT).`,
  );
});

test('splits with different classes are refused: labels would shift', async () => {
  const path = write(newFolder(), { ...twoClasses, 'test/a/0.png': png([0, 0, 0]) });
  await expect(openImageFolder({ path, split: 'test' })).rejects.toThrow(
    `Expected the same classes in train and test of ${path} but received b in train only. Add ${join(path, 'test/b')} with its images, or remove the class.`,
  );
  const single = write(newFolder(), twoClasses);
  expect((await openImageFolder({ path: single })).count).toBe(3);
  await expect(openImageFolder({ path: single, split: 'test' })).rejects.toThrow(
    `Expected the folder test in ${single} but received only train. Add it, or give the inner folder as data.path to use it for both splits.`,
  );
});

test('without sharp the fix is to install it', async () => {
  vi.resetModules();
  vi.doMock('sharp', () => {
    throw new Error('not installed');
  });
  const { loadDecoder } = await import('../../../src/data/decodeImage.ts');
  await expect(loadDecoder({ channels: 3, size: null })).rejects.toMatchObject({
    code: 'ERR_PEER',
    message:
      'Expected the package sharp for image folders, manifests and Parquet (it decodes JPEG and PNG) but it cannot be loaded. Run: npm install sharp',
  });
});

test('random damage to an image is decoded or refused, never anything else', async () => {
  const path = write(newFolder(), { 'a/1.png': png([1, 2, 3], 32, 32), 'b/1.jpg': await jpeg() });
  const names = ['a/1.png', 'b/1.jpg'];
  const contents = names.map((name) => readFileSync(join(path, name)));
  const damage = fc.record({
    file: fc.nat(1),
    cut: fc.nat(2000),
    flips: fc.array(fc.nat(1 << 20), { maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ file, cut, flips }) => {
      const bytes = Buffer.from(contents[file]!);
      for (const flip of flips) bytes[(flip >> 3) % bytes.length]! ^= 1 << (flip & 7);
      writeFileSync(
        join(path, names[file]!),
        bytes.subarray(0, Math.max(0, bytes.length - Math.max(0, cut - 1000))),
      );
      const outcome = await openImageFolder({ path })
        .then(readAll)
        .catch((error: unknown) => error);
      writeFileSync(join(path, names[file]!), contents[file]!);
      if (outcome instanceof Error) expect(outcome.constructor.name).toBe(SelfgradError.name);
    }),
    { numRuns: 150 },
  );
});
