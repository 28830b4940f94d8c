/** Adversarial images as files: PNG for eyes and other programs, and what became of each of them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SelfgradError } from './errors.ts';
import type { Model } from './model.ts';
import { encodePng, type ImageShape, toBytes } from './png.ts';

/** One adversarial image; sizes are of its difference from the original, pixels in [0, 1]. */
export interface SavedImage {
  /** Index in the split. */
  index: number;
  label: number;
  labelName: string;
  cleanPrediction: number;
  prediction: number;
  /** The adversarial image is misclassified. */
  success: boolean;
  /** It still is after rounding to the 8 bits of a PNG; of an attack with a target: taken for the same class. */
  successAfterRounding: boolean;
  /** Largest change of a pixel. */
  linf: number;
  /** Euclidean length of the change. */
  l2: number;
  /** Sum of the sizes of the changes. */
  l1: number;
  /** Those of the rounded image: rounding can leave a ball whose radius is no multiple of 1/255. */
  linfAfterRounding: number;
  l2AfterRounding: number;
  l1AfterRounding: number;
  /** File names; null when the images have neither 1 nor 3 channels. */
  original: string | null;
  adversarial: string | null;
}

/** N images before and after an attack, with what is known of each. */
export interface AdversarialBatch {
  indices: ArrayLike<number>;
  labels: ArrayLike<number>;
  /** N·C·H·W bytes. */
  originals: Uint8Array;
  /** N·C·H·W pixels in [0, 1]. */
  adversarial: Float32Array;
  cleanPredictions: ArrayLike<number>;
  shape: ImageShape;
  /** Whether the attack on image i aimed at a class. */
  targeted: (i: number) => boolean;
}

/** Of a change from bytes to `pixels` (times `scale` in [0, 1]). */
function distances(originals: Uint8Array, pixels: ArrayLike<number>, scale: number) {
  let linf = 0;
  let squares = 0;
  let l1 = 0;
  for (let i = 0; i < originals.length; i++) {
    const change = Math.abs(pixels[i]! * scale - originals[i]! / 255);
    linf = Math.max(linf, change);
    squares += change * change;
    l1 += change;
  }
  return { linf, l2: Math.sqrt(squares), l1 };
}

async function writePng(path: string, bytes: Uint8Array, shape: ImageShape): Promise<void> {
  try {
    await writeFile(path, encodePng(bytes, shape));
  } catch (cause) {
    throw new SelfgradError('ERR_WRITE', `Cannot write ${path}: ${(cause as Error).message}.`, {
      fix: 'Check that the directory is writable and has space.',
      cause,
    });
  }
}

/**
 * Writes `00042-original.png` and `00042-adversarial.png` of each image into `folder`, and asks the model what the
 * adversarial image is as it is and as its PNG has it. These passes belong to no figure.
 *
 * @throws SelfgradError `ERR_WRITE`; the reason of `signal`
 */
export async function saveImages(
  folder: string,
  model: Model,
  classes: readonly string[],
  batch: AdversarialBatch,
  { threads, signal }: { threads: number | 'auto'; signal?: AbortSignal | undefined },
): Promise<SavedImage[]> {
  const { labels, originals, adversarial, shape } = batch;
  const count = batch.indices.length;
  if (count === 0) return [];
  const rounded = toBytes(adversarial);
  const options = { threads, ...(signal && { signal }) };
  const { predictions: attacked } = await model.predict(adversarial, options);
  const { predictions: afterRounding } = await model.predict(rounded, options);
  const size = originals.length / count;
  const drawable = shape[0] === 1 || shape[0] === 3;
  const saved: SavedImage[] = [];
  for (let i = 0; i < count; i++) {
    signal?.throwIfAborted();
    const part = [i * size, (i + 1) * size] as const;
    const index = batch.indices[i]!;
    const label = labels[i]!;
    const name = String(index).padStart(5, '0');
    const prediction = attacked[i]!.label;
    const inBytes = afterRounding[i]!.label;
    const before = originals.subarray(...part);
    const asPng = rounded.subarray(...part);
    const after = distances(before, asPng, 1 / 255);
    const image: SavedImage = {
      index,
      label,
      labelName: classes[label]!,
      cleanPrediction: batch.cleanPredictions[i]!,
      prediction,
      success: prediction !== label,
      successAfterRounding: batch.targeted(i) ? inBytes === prediction : inBytes !== label,
      ...distances(before, adversarial.subarray(...part), 1),
      linfAfterRounding: after.linf,
      l2AfterRounding: after.l2,
      l1AfterRounding: after.l1,
      original: drawable ? `${name}-original.png` : null,
      adversarial: drawable ? `${name}-adversarial.png` : null,
    };
    if (drawable) {
      await writePng(join(folder, image.original!), before, shape);
      await writePng(join(folder, image.adversarial!), asPng, shape);
    }
    saved.push(image);
  }
  return saved;
}
