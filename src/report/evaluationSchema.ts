/** The check of `evaluation.json`: a file that was edited, cut off or written by another version is refused. */
import { z } from 'zod';
import { norms } from '../config/threat.ts';
import type { Evaluation } from '../evaluation.ts';

const share = z.number().min(0).max(1);
const whole = z.number().int().min(0);

const rateSchema = z
  .object({ correct: whole, count: whole, rate: share, low: share, high: share })
  .refine(({ correct, count }) => correct <= count, 'correct is larger than count');

const passesSchema = z.object({ forward: z.number().min(0), backward: z.number().min(0) });

const attackFields = {
  name: z.string(),
  options: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  robust: rateSchema,
  attacked: whole,
  broken: whole,
  passes: passesSchema,
  seconds: z.number().min(0),
};
const attackSchema = z.object({
  ...attackFields,
  medianDistance: z.number().min(0).nullable(),
  distances: z.array(z.number().min(0)),
  source: z
    .object({
      architecture: z.string(),
      path: z.string().nullable(),
      sha256: z.string().nullable(),
      passes: passesSchema,
    })
    .optional(),
});

const exampleSchema = z.object({
  index: whole,
  label: whole,
  cleanPrediction: whole,
  adversarialPrediction: whole,
  cleanConfidence: share,
  adversarialConfidence: share,
  attack: z.string(),
  image: z.array(share),
  adversarial: z.array(share),
  gradient: z.array(z.number()).nullable().optional(),
});

const fields = z.object({
  schema: z.literal('selfgrad.evaluation/2'),
  createdAt: z.string(),
  model: z.object({
    architecture: z.string(),
    parameters: whole,
    path: z.string().nullable(),
    strategy: z.string().nullable(),
    sha256: z.string().nullable(),
  }),
  data: z.object({
    name: z.string(),
    split: z.string(),
    count: whole,
    classes: z.array(z.string()),
    shape: z.tuple([whole.min(1), whole.min(1), whole.min(1)]),
    sha256: z.string(),
    note: z.string().nullable(),
  }),
  threat: z.object({ norm: z.enum(norms), eps: z.number().min(0), epsText: z.string() }),
  seed: z.number(),
  device: z.string(),
  versions: z.object({ selfgrad: z.string(), libtorch: z.string(), node: z.string() }),
  machine: z.object({ cpu: z.string(), cores: whole, threads: whole }),
  clean: rateSchema,
  attacks: z.array(attackSchema),
  suites: z.array(z.object({ ...attackFields, attacks: z.array(whole).min(1) })),
  robust: rateSchema,
  passes: passesSchema,
  seconds: z.number().min(0),
  perClass: z.array(z.object({ label: whole, clean: rateSchema, robust: rateSchema })),
  epsCurve: z
    .object({
      attack: z.string(),
      count: whole,
      points: z.array(z.object({ eps: z.number().min(0), epsText: z.string(), robust: rateSchema })),
    })
    .nullable(),
  examples: z.array(exampleSchema),
  images: z.object({
    first: whole,
    total: whole,
    predictions: z.array(whole),
    brokenBy: z.array(z.number().int().min(-2)),
    steps: z.array(whole.nullable()),
    margins: z.array(z.number().nullable()),
  }),
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
  command: z.string().nullable(),
});

/** The document `selfgrad.evaluation/2`; each example must hold as many pixels as the data's shape says. */
export const evaluationSchema: z.ZodType<Evaluation> = fields.superRefine(({ data, examples }, context) => {
  const pixels = data.shape[0] * data.shape[1] * data.shape[2];
  for (const [index, example] of examples.entries()) {
    for (const key of ['image', 'adversarial', 'gradient'] as const) {
      const length = example[key]?.length;
      if (length !== undefined && length !== pixels) {
        context.addIssue({
          code: 'custom',
          path: ['examples', index, key],
          message: `expected ${pixels} pixels but received ${length}`,
        });
      }
    }
  }
});
