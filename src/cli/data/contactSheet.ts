/** A picture of a data set: a row for each class, with its name and its first images. */
import { encode } from 'fast-png';
import { checkedBatches } from '../../data/checkedBatches.ts';
import type { Source } from '../../data/source.ts';
import { charHeight, charWidth, drawText } from './font.ts';

/** Rows of a sheet; the classes beyond it are not drawn. */
export const maxRows = 200;

/** Images are enlarged to at least this many pixels, and thinned out to no more than four times as many. */
const tileSize = 48;
const gap = 4;
const textScale = 2;
const maxNameLength = 24;

/** Reads until each class has `perClass` images; the first of each, C·H·W bytes. */
export async function firstOfEachClass(
  source: Source,
  perClass: number,
  onProgress: (read: number, count: number) => void = () => {},
): Promise<Uint8Array[][]> {
  const { channels, height, width, classes, count } = source;
  const imageBytes = channels * height * width;
  const found: Uint8Array[][] = classes.map(() => []);
  let wanted = perClass * classes.length;
  let read = 0;
  for await (const { images, labels } of checkedBatches(source)) {
    for (const [i, label] of labels.entries()) {
      const own = found[label] as Uint8Array[];
      if (own.length >= perClass) continue;
      own.push(images.slice(i * imageBytes, (i + 1) * imageBytes));
      wanted--;
    }
    read += labels.length;
    onProgress(read, count);
    if (wanted === 0) break;
  }
  onProgress(count, count);
  return found;
}

/** The PNG of the sheet: names on the left, `3 cat`, images in the order of the data. */
export function contactSheet(source: Source, images: readonly Uint8Array[][]): Uint8Array {
  const rows = images.slice(0, maxRows);
  const zoom = zoomOf(Math.max(source.height, source.width));
  const [tileHeight, tileWidth] = [zoom.size(source.height), zoom.size(source.width)];
  const names = rows.map((_, label) => shortName(`${label} ${source.classes[label]}`));
  const longest = Math.max(...names.map((name) => [...name].length));
  const left = 2 * gap + longest * charWidth * textScale;
  const columns = Math.max(...rows.map((row) => row.length));
  const rowHeight = Math.max(tileHeight, charHeight * textScale) + gap;
  const sheet = new Sheet(left + columns * (tileWidth + gap), gap + rows.length * rowHeight);
  for (const [label, row] of rows.entries()) {
    const top = gap + label * rowHeight;
    const textTop = top + Math.floor((rowHeight - gap - charHeight * textScale) / 2);
    drawText(names[label] as string, (x, y) =>
      sheet.fill(gap + x * textScale, textTop + y * textScale, textScale, textScale, () => [32, 32, 32]),
    );
    for (const [column, image] of row.entries()) {
      const pixel = pixelOf(image, source, zoom);
      sheet.fill(left + column * (tileWidth + gap), top, tileWidth, tileHeight, pixel);
    }
  }
  return sheet.png();
}

type Colour = readonly [red: number, green: number, blue: number];

class Sheet {
  readonly #data: Uint8Array;
  readonly #width: number;
  readonly #height: number;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.#data = new Uint8Array(3 * width * height).fill(255);
  }

  fill(
    left: number,
    top: number,
    width: number,
    height: number,
    colour: (x: number, y: number) => Colour,
  ): void {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) this.#data.set(colour(x, y), 3 * ((top + y) * this.#width + left + x));
    }
  }

  png(): Uint8Array {
    return encode({ width: this.#width, height: this.#height, channels: 3, data: this.#data, depth: 8 });
  }
}

interface Zoom {
  /** Pixels on the sheet of so many pixels of an image. */
  size(pixels: number): number;
  /** The pixel of the image at a pixel of the sheet. */
  from(pixel: number): number;
}

/** By whole factors, so that every pixel of a small image is a square. */
function zoomOf(longer: number): Zoom {
  const up = Math.ceil(tileSize / longer);
  const down = Math.ceil(longer / (4 * tileSize));
  return {
    size: (pixels) => Math.ceil((pixels * up) / down),
    from: (pixel) => Math.floor(pixel / up) * down,
  };
}

function pixelOf(image: Uint8Array, { channels, height, width }: Source, { from }: Zoom) {
  const plane = (channel: number) => (channels < 3 ? 0 : channel) * height * width;
  return (x: number, y: number): Colour => {
    const at = from(y) * width + from(x);
    return [image[plane(0) + at]!, image[plane(1) + at]!, image[plane(2) + at]!];
  };
}

function shortName(name: string): string {
  const characters = [...name];
  return characters.length <= maxNameLength ? name : `${characters.slice(0, maxNameLength - 1).join('')}~`;
}
