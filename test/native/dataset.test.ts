/** Data sets in the core against the same sums in plain JavaScript. */
import { describe, expect, it } from 'vitest';
import { Dataset, openArrays } from '../../src/index.ts';
import { loadBinding } from '../../src/native/load.ts';

const shape = [3, 2, 5] as const;
const size = 30;

function colours(count: number): { images: Uint8Array; labels: Int32Array } {
  return {
    images: Uint8Array.from({ length: count * size }, (_, i) => (i * 37 + (i >> 3) * 11) % 256),
    labels: Int32Array.from({ length: count }, (_, i) => (i * 7) % 4),
  };
}

describe('Dataset', () => {
  it('keeps images and labels in the order of its batches', () => {
    const { images, labels } = colours(10);
    const native = new (loadBinding().Dataset)({ count: 10, channels: 3, height: 2, width: 5, classes: 4 });
    native.append({ images: images.subarray(0, 3 * size), labels: labels.subarray(0, 3) });
    native.append({ images: images.subarray(3 * size), labels: labels.subarray(3) });
    const read = native.images({ indices: Int32Array.of(9, 0, 4, 0) });
    expect([...read.labels]).toEqual([9, 0, 4, 0].map((i) => labels[i]));
    expect([...read.images]).toEqual(
      [9, 0, 4, 0].flatMap((i) => [...images.subarray(i * size, (i + 1) * size)]),
    );
    native.dispose();
  });

  it('has the mean and deviation of each channel', async () => {
    const { images, labels } = colours(17);
    using data = await Dataset.from(await openArrays({ images, labels, shape, classes: 4 }));
    const { mean, std } = data.native.statistics();
    for (const channel of [0, 1, 2]) {
      const values = [...images]
        .filter((_, i) => Math.floor(i / 10) % 3 === channel)
        .map((value) => value / 255);
      const average = values.reduce((total, value) => total + value, 0) / values.length;
      const variance = values.reduce((total, value) => total + (value - average) ** 2, 0) / values.length;
      expect(mean[channel]).toBeCloseTo(average, 9);
      expect(std[channel]).toBeCloseTo(Math.sqrt(variance), 9);
    }
  });

  it('counts its classes', async () => {
    const { images, labels } = colours(10);
    using data = await Dataset.from(await openArrays({ images, labels, shape, classes: 4 }));
    expect(data.classCounts).toEqual([3, 2, 2, 3]);
    expect(data.shape).toEqual(shape);
  });

  it('refuses what does not fit', () => {
    const native = new (loadBinding().Dataset)({ count: 2, channels: 3, height: 2, width: 5, classes: 4 });
    const { images, labels } = colours(3);
    expect(() => native.append({ images: images.subarray(1), labels })).toThrow(
      'Expected 90 bytes for 3 images but received 89.',
    );
    expect(() => native.append({ images, labels })).toThrow(/2.*3|3.*2/);
    expect(() => native.append({ images: images.subarray(0, size), labels: Int32Array.of(4) })).toThrow(
      'Label 4 at index 0',
    );
    native.append({ images: images.subarray(0, size), labels: labels.subarray(0, 1) });
    expect(() => native.images({ indices: Int32Array.of(1) })).toThrow(
      'Expected an index below 1 but received 1.',
    );
    expect(() => native.images({ indices: Int32Array.of(-1) })).toThrow(
      'Expected an index below 1 but received -1.',
    );
    native.dispose();
    expect(() => native.statistics()).toThrow('Expected a data set but it was disposed.');
    native.dispose();
  });
});
