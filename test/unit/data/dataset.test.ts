import { beforeEach, expect, test, vi } from 'vitest';
import { Dataset } from '../../../src/data/dataset.ts';
import { FakeNativeDataset } from './fakeBinding.ts';
import { memorySource } from './synthetic.ts';

vi.mock('../../../src/native/load.ts', () => ({ loadBinding: () => ({ Dataset: FakeNativeDataset }) }));
beforeEach(() => {
  FakeNativeDataset.made = [];
});

const batches = [
  { images: [1, 2, 3, 4], labels: [0, 2] },
  { images: [5, 6], labels: [2] },
];

test('hands every image and label to the core and knows the facts', async () => {
  const seen: number[][] = [];
  const dataset = await Dataset.from(memorySource({ note: 'n' }, batches), {
    onProgress: (...progress) => seen.push(progress),
  });
  const [native] = FakeNativeDataset.made;
  expect(native?.options).toEqual({ count: 3, channels: 1, height: 1, width: 2, classes: 3 });
  expect([native?.pixels, native?.labels]).toEqual([
    [1, 2, 3, 4, 5, 6],
    [0, 2, 2],
  ]);
  const { name, split, count, shape, classes, classCounts, note } = dataset;
  expect({ name, split, count, shape, classes, classCounts, note }).toEqual({
    name: 'memory',
    split: 'train',
    count: 3,
    shape: [1, 1, 2],
    classes: ['a', 'b', 'c'],
    classCounts: [1, 0, 2],
    note: 'n',
  });
  expect(dataset.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(dataset.native).toBe(native);
  expect(seen).toEqual([
    [2, 3],
    [3, 3],
  ]);
});

test('limit takes the first images, and the fingerprint is of those', async () => {
  const limited = await Dataset.from(memorySource({}, batches), { limit: 2 });
  const alone = await Dataset.from(memorySource({}, batches.slice(0, 1)));
  expect([limited.count, limited.classCounts, limited.sha256]).toEqual([2, [1, 0, 1], alone.sha256]);
});

test('a bad label frees what was loaded', async () => {
  const source = memorySource({}, [...batches, { images: [1, 2], labels: [3] }]);
  await expect(Dataset.from(source)).rejects.toMatchObject({ code: 'ERR_LABEL' });
  expect(FakeNativeDataset.made.map(({ disposed }) => disposed)).toEqual([true]);
});

test('an empty set is refused before the core is asked for memory', async () => {
  for (const options of [{}, { limit: 1 }]) {
    await expect(Dataset.from(memorySource({}, []), options)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message:
        'Expected at least one image for the train set of memory but received 0. Check that data.path points at the right data.',
    });
  }
  expect(FakeNativeDataset.made).toEqual([]);
});

test('a signal stops loading with its reason', async () => {
  const stop = new AbortController();
  const onProgress = () => stop.abort(new Error('enough'));
  await expect(Dataset.from(memorySource({}, batches), { signal: stop.signal, onProgress })).rejects.toThrow(
    'enough',
  );
  expect(FakeNativeDataset.made[0]).toMatchObject({ labels: [0, 2], disposed: true });
});

test('dispose and using free the native set', async () => {
  const first = await Dataset.from(memorySource({}, batches));
  first.dispose();
  {
    using second = await Dataset.from(memorySource({}, batches));
    expect(second.count).toBe(3);
  }
  expect(FakeNativeDataset.made.map(({ disposed }) => disposed)).toEqual([true, true]);
});
