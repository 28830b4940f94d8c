import { decode } from 'fast-png';
import { expect, test } from 'vitest';
import { contactSheet, firstOfEachClass } from '../../../src/cli/data/contactSheet.ts';
import { drawText } from '../../../src/cli/data/font.ts';
import type { Source } from '../../../src/data/source.ts';
import { memorySource } from './synthetic.ts';

/** The colour of one pixel of a sheet. */
function pixel(png: Uint8Array, x: number, y: number): number[] {
  const { width, data, channels } = decode(png);
  return [...data.subarray(channels * (y * width + x), channels * (y * width + x + 1))];
}

const two = memorySource({}, [
  { images: [0, 50, 100, 150], labels: [1, 0] },
  { images: [1, 1, 2, 2, 3, 3], labels: [1, 1, 2] },
]);

test('takes the first images of each class and reads no further than it must', async () => {
  let read = 0;
  const watched: Source = {
    ...two,
    async *[Symbol.asyncIterator]() {
      for await (const batch of two) {
        read++;
        yield batch;
      }
    },
  };
  const images = await firstOfEachClass(watched, 2);
  expect(images.map((own) => own.map((image) => [...image]))).toEqual([
    [[100, 150]],
    [
      [0, 50],
      [1, 1],
    ],
    [[3, 3]],
  ]);
  expect([read, (await firstOfEachClass({ ...watched, classes: ['a', 'b', 'c'] }, 1)).length]).toEqual([
    2, 3,
  ]);
});

test('small images are enlarged by whole factors, grey as grey, with names on the left', async () => {
  const sheet = contactSheet(two, await firstOfEachClass(two, 2));
  const { width, height, channels } = decode(sheet);
  // Names `0 a`, 3 characters of 12 pixels; two columns of 48 pixels, three rows of 24 (1×2 pixels, 24 times).
  const left = 8 + 36;
  expect([width, height, channels]).toEqual([left + 2 * 52, 4 + 3 * 28, 3]);
  expect(pixel(sheet, left, 4)).toEqual([100, 100, 100]);
  expect(pixel(sheet, left + 23, 27)).toEqual([100, 100, 100]);
  expect(pixel(sheet, left + 24, 4)).toEqual([150, 150, 150]);
  expect(pixel(sheet, left + 52, 4)).toEqual([255, 255, 255]);
  const row = Array.from({ length: left }, (_, x) => pixel(sheet, x, 4 + 12)[0]);
  expect(row).toContain(32);
});

test('large colour images are thinned out, planes put together', () => {
  const side = 400;
  const colour = (level: number) => new Uint8Array(side * side).fill(level);
  const image = new Uint8Array([...colour(10), ...colour(20), ...colour(30)]);
  const source = memorySource({ channels: 3, height: side, width: side, classes: ['x', 'y'] }, []);
  const sheet = contactSheet(source, [[image], []]);
  const { width } = decode(sheet);
  expect([width, pixel(sheet, width - 10, 10)]).toEqual([8 + 36 + 134 + 4, [10, 20, 30]]);
});

test('text: capitals for small letters, question marks for what it does not know', () => {
  const dots = (text: string) => {
    const lit: string[] = [];
    drawText(text, (x, y) => lit.push(`${x},${y}`));
    return lit;
  };
  expect(dots('a')).toEqual(dots('A'));
  expect(dots('猫')).toEqual(dots('?'));
  expect(dots(' ')).toEqual([]);
  expect(dots('I').length).toBe(11);
  const known = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,/()+&':#~?";
  expect(new Set([...known].map((character) => dots(character).join(' '))).size).toBe(known.length);
});
