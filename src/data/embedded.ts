/** The data set that ships with the package: 12 000 images of Fashion-MNIST (assets/fashion-mnist/README.md). */
import { join } from 'node:path';
import { packageRoot } from '../native/packageRoot.ts';
import { openIdx } from './idx.ts';
import type { Source, Split } from './source.ts';

export interface EmbeddedOptions {
  /** `train`: 10 000 images, `test`: 2 000. Defaults to `train`. */
  split?: Split;
}

/** `fashion-mnist-mini`: 28×28 grey images in 10 classes, equally many of each, shuffled. */
export function openEmbedded({ split = 'train' }: EmbeddedOptions = {}): Promise<Source> {
  return openIdx({ path: join(packageRoot, 'assets', 'fashion-mnist'), split, name: 'fashion-mnist-mini' });
}
