/** What the checks for gradient masking run. */
import type { z } from 'zod';
import { integer, section } from './option.ts';

export interface MaskingConfig {
  /** The first images of the test split; null takes all. */
  count: number | null;
  batchSize: number;
  /** Steps of PGD; it is repeated with five times as many, and with five restarts. */
  steps: number;
  /** Steps of the APGD attacks that Square is compared with. */
  apgdSteps: number;
  /** Queries of Square. */
  queries: number;
  /** Points of random noise. */
  points: number;
}

/** `MaskingConfig` as a user writes it: every field has a default. */
export type MaskingInput = Partial<MaskingConfig>;

/** @internal */
export const maskingSchema = section('What the checks for gradient masking run.', {
  count: integer({ description: 'The first images of the test split; null takes all.', gte: 1 })
    .nullable()
    .prefault(200),
  batchSize: integer({ description: 'Images per batch; results do not depend on it.', gte: 1 }).prefault(100),
  steps: integer({
    description: 'Steps of PGD; it is repeated with five times as many, and with five restarts.',
    gte: 1,
  }).prefault(20),
  apgdSteps: integer({ description: 'Steps of the APGD attacks before Square.', gte: 2 }).prefault(100),
  queries: integer({ description: 'Queries of Square.', gte: 1 }).prefault(1000),
  points: integer({ description: 'Points of random noise.', gte: 1 }).prefault(100),
}) satisfies z.ZodType<MaskingConfig>;
