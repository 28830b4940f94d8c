/** JPEG and PNG bytes to NCHW pixels, by the optional peer `sharp`. */
import { SelfgradError } from '../errors.ts';
import { toPlanes } from './layout.ts';

export interface DecodeOptions {
  /** 3: sRGB, 1: grey. Transparent pixels are laid on black; EXIF rotation is not applied. */
  channels: 1 | 3;
  /** [height, width] to resize to, or null to keep what the file holds. */
  size: readonly [number, number] | null;
}

export interface DecodedImage {
  /** C·H·W bytes. */
  pixels: Uint8Array;
  height: number;
  width: number;
}

export interface ImageDecoder {
  /** `sharp 0.35.5 / libvips 8.18.7`: pixels of a JPEG depend on it. */
  readonly version: string;
  /** `path` is for messages. Errors: `ERR_DATA`. */
  decode(bytes: Uint8Array, path: string): Promise<DecodedImage>;
}

/** Refuses an image of more pixels, which would need 200 MB and more to decode. */
const maxPixels = 2 ** 26;

/**
 * Loads sharp, to decode images as the sources of images do.
 * Errors: `ERR_PEER` when it is not installed.
 *
 * @example
 * const decoder = await loadDecoder({ channels: 3, size: [32, 32] });
 * const { pixels } = await decoder.decode(await readFile('photo.jpg'), 'photo.jpg');
 * const { predictions } = await model.predict(pixels);
 */
export async function loadDecoder({ channels, size }: DecodeOptions): Promise<ImageDecoder> {
  const sharp = await import('sharp').then(
    (module) => module.default,
    (cause: unknown) => {
      throw new SelfgradError(
        'ERR_PEER',
        'Expected the package sharp for image folders, manifests and Parquet (it decodes JPEG and PNG) but it cannot be loaded.',
        { fix: 'Run: npm install sharp', cause },
      );
    },
  );
  return {
    version: `sharp ${sharp.versions.sharp} / libvips ${sharp.versions.vips}`,
    async decode(bytes, path) {
      // The magic number decides, not the name: sharp would also render SVG, PDF and animations.
      if (!isJpeg(bytes) && !isPng(bytes)) {
        const first =
          bytes.length === 0
            ? 'an empty file'
            : `the bytes ${Buffer.from(bytes.subarray(0, 4)).toString('hex')}`;
        throw corrupt(path, first, undefined);
      }
      try {
        const image = sharp(bytes, { failOn: 'warning', limitInputPixels: maxPixels });
        if (size) image.resize({ height: size[0], width: size[1], fit: 'fill' });
        const { data, info } = await image
          .flatten({ background: 'black' })
          .toColourspace(channels === 1 ? 'b-w' : 'srgb')
          .raw({ depth: 'uchar' })
          .toBuffer({ resolveWithObject: true });
        const { height, width } = info;
        return { pixels: toPlanes(data, { channels, height, width, layout: 'nhwc' }), height, width };
      } catch (cause) {
        const [reason = ''] = (cause as Error).message.split('\n', 1);
        throw corrupt(path, `one that cannot be decoded (${reason.replace(/\.$/, '')})`, cause);
      }
    },
  };
}

/** What a reader of results must know about the pixels of images that were decoded. */
export function decoderNotes(
  decoder: ImageDecoder,
  size: readonly [number, number] | null,
  lossy: boolean,
  others: readonly string[],
): string | null {
  const notes = [
    ...(lossy ? [`JPEG decoded by ${decoder.version}`] : []),
    ...others,
    ...(size ? [`resized to ${size[0]}×${size[1]} by ${decoder.version} (Lanczos)`] : []),
  ];
  return notes.join('; ') || null;
}

/** What decoded pixels depend on beside the encoded images. */
export function decodingFacts(decoder: ImageDecoder, { size, channels }: DecodeOptions): string {
  return JSON.stringify({ decoder: decoder.version, size, channels });
}

/** Told by the magic number. */
export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

function isPng(bytes: Uint8Array): boolean {
  return Buffer.from('89504e470d0a1a0a', 'hex').equals(bytes.subarray(0, 8));
}

function corrupt(path: string, found: string, cause: unknown): SelfgradError {
  return new SelfgradError(
    'ERR_DATA',
    `Expected a whole JPEG or PNG image in ${path} but received ${found}.`,
    {
      fix: 'Repair, replace or remove the file.',
      cause,
    },
  );
}
