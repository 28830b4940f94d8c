import { expect, test } from 'vitest';
import { type ArraysOptions, openArrays } from '../../../src/data/arrays.ts';
import { readAll } from './synthetic.ts';

const bytes: ArraysOptions = {
  images: Uint8Array.of(1, 2, 3, 4),
  labels: [0, 1],
  shape: [1, 1, 2],
  classes: 2,
};

test('bytes are taken as they are, from any view', async () => {
  const view = Uint8Array.of(9, 9, 1, 2, 3, 4).subarray(2);
  for (const images of [view, new Uint8ClampedArray(view)]) {
    const source = await openArrays({
      ...bytes,
      images,
      classes: ['no', 'yes'],
      name: 'mine',
      split: 'test',
    });
    expect([source.name, source.split, source.count, source.classes, source.note]).toEqual([
      'mine',
      'test',
      2,
      ['no', 'yes'],
      null,
    ]);
    expect(await readAll(source)).toEqual({ images: [1, 2, 3, 4], labels: [0, 1], indices: [0, 1] });
  }
});

test('floats in [0, 1] are rounded to 256 levels, which the note says', async () => {
  const every = Float32Array.from({ length: 256 }, (_, i) => i / 255);
  const source = await openArrays({ images: every, labels: [1], shape: [1, 16, 16], classes: 2 });
  expect(source.note).toBe('floats rounded to 256 levels');
  expect((await readAll(source)).images).toEqual(Array.from({ length: 256 }, (_, i) => i));
});

test.each([
  [1.5, '1.5'],
  [-0.25, '-0.25'],
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, 'Infinity'],
  [255, '255'],
])('the float pixel %d is refused', async (pixel, text) => {
  const images = Float64Array.of(0, 1, 0.5, pixel);
  await expect(openArrays({ ...bytes, images })).rejects.toMatchObject({
    code: 'ERR_PIXELS',
    message: `Expected pixels in [0, 1] for images but received ${text} in image 1 (value 3). Divide bytes by 255 and leave normalisation to the model: its first layer does it.`,
  });
});

test('lengths and shapes that do not fit are refused', async () => {
  await expect(openArrays({ ...bytes, labels: [0] })).rejects.toMatchObject({
    code: 'ERR_OPTION',
    message:
      'Expected 2 values (1 labels × 1×1×2) for images but received 4. Give one label for each image, and shape as [channels, height, width].',
  });
  await expect(openArrays({ ...bytes, shape: [1, 0, 2] })).rejects.toThrow(
    'Expected three positive integers for shape but received [1, 0, 2]. Give [channels, height, width].',
  );
});

test('labels that are no integers or beyond the classes are refused, as is an empty set', async () => {
  await expect(openArrays({ ...bytes, labels: [0, 0.5] }).then(readAll)).rejects.toMatchObject({
    code: 'ERR_LABEL',
    message:
      'Expected an integer for label 1 but received 0.5. A label is the place of its class in the list of classes.',
  });
  await expect(openArrays({ ...bytes, labels: [-1, 0] }).then(readAll)).rejects.toMatchObject({
    code: 'ERR_LABEL',
    message:
      'Label -1 at index 0 of the train set of arrays is outside 0…1 (2 classes). Correct the label or name every class.',
  });
  await expect(
    openArrays({ ...bytes, images: new Uint8Array(), labels: [] }).then(readAll),
  ).rejects.toMatchObject({ code: 'ERR_DATA' });
});
