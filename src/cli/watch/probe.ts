/** A look at the network of the last checkpoint: a few images under attack. Beside training, on one thread. */
import type { Config } from '../../config/config.ts';
import { splitRequest } from '../../config/data.ts';
import type { Dataset } from '../../data/dataset.ts';
import { openData } from '../../data/open.ts';
import type { Evaluation } from '../../evaluation.ts';

/** Images that are looked at: little beside an epoch, and enough for a median. */
const count = 32;
const shown = 6;

export interface ProbeResult {
  evaluation: Evaluation;
  /** Median share of the gain of PGD that one step reaches; null where PGD gains nothing. */
  quality: number | null;
}

/** The first validation images, those of the test split where none are held out; the caller disposes of them. */
export async function openProbeData(config: Config, signal: AbortSignal): Promise<Dataset> {
  const { Dataset } = await import('../../data/dataset.ts');
  const request = splitRequest(config, config.data.validation === null ? 'test' : 'validation');
  // Not through the cache, which would decode the whole split.
  const source = await openData({ ...request, cache: false });
  return Dataset.from(source, { limit: Math.min(count, source.count), signal });
}

/**
 * Attacks the images with PGD, and measures how close one step comes to it.
 *
 * @throws SelfgradError as `loadModel`, `evaluate` and `stability`; the reason of `signal`
 */
export async function probe(
  checkpoint: string,
  data: Dataset,
  { threat, seed }: Config,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const [{ loadModel }, { evaluate }, { stability }] = await Promise.all([
    import('../../model.ts'),
    import('../../evaluate.ts'),
    import('../../stability.ts'),
  ]);
  using model = await loadModel(checkpoint);
  // Beside the training, which has the GPU where there is one.
  const shared = { threat, seed, threads: 1, device: 'cpu', signal } as const;
  const attacks = [{ name: 'pgd', steps: 10 }] as const;
  const evaluation = await evaluate(model, data, { ...shared, attacks: [...attacks], examples: shown });
  const { diagnostics } = await stability(model, data, {
    ...shared,
    iterations: 0,
    randomPoints: 0,
    multiples: [1],
    certify: null,
  });
  return { evaluation, quality: diagnostics.adversaryQuality.median };
}
