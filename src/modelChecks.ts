/**
 * Checks of a model that selfgrad did not make: what makes an evaluation wrong without an error. Each is a function of
 * one probe, a few images with the model's answers; docs/errors.md says what to do about each code.
 */
import type { Dataset } from './data/dataset.ts';
import type { Warning } from './evaluation.ts';
import { batchNeighbours, probabilities, randomisedOutputs } from './masking/outputs.ts';
import type { Measurement } from './measurement.ts';
import type { Model, Normalisation } from './model.ts';
import { awaitRun } from './native/awaitRun.ts';

/** Images that are looked at. */
const probeCount = 128;

/** The first images of a set, and how the model answers them. */
interface Probe {
  /** N·C·H·W in [0, 1]. */
  images: Float32Array;
  labels: Int32Array;
  /** C, H·W. */
  channels: number;
  plane: number;
  logits: Float32Array;
  model: Model;
  data: Dataset;
  /** Logits of N images, which need not lie in [0, 1]. */
  predict(images: Float32Array, batchSize?: number): Promise<Float32Array>;
}

type Check = (probe: Probe) => Promise<string | null>;

/** Of answers to images as they are; in the order of their codes in the table. */
const outputChecks: Readonly<Record<string, Check>> = {
  W_SOFTMAX: async (probe) => softmaxOutputs(probe),
  W_TRAIN_MODE: trainMode,
};

/** Of answers to other pixels, which a user's preprocessing need not take. */
const inputChecks: Readonly<Record<string, Check>> = {
  W_NORMALISATION: wrongNormalisation,
  W_CHANNEL_ORDER: wrongChannelOrder,
};

/** The warnings about a model that a user brought; none for selfgrad's own, which know how they were trained. */
export async function checkModel(
  model: Model,
  data: Dataset,
  { count, threads, signal }: Pick<Measurement<never>, 'count' | 'threads' | 'signal'>,
): Promise<Warning[]> {
  if (model.origin === 'selfgrad') return [];
  const indices = Int32Array.from({ length: Math.min(count, probeCount) }, (_, i) => i);
  const { images: bytes, labels } = data.native.images({ indices });
  const images = Float32Array.from(bytes, (value) => value / 255);
  const predict: Probe['predict'] = (batch, batchSize = probeCount) =>
    awaitRun(() => model.native.predict({ images: batch, batchSize, threads }), { signal });
  const [channels, height, width] = data.shape;
  const logits = await predict(images);
  const probe = { images, labels, channels, plane: height * width, logits, model, data, predict };
  const warnings: Warning[] = [];
  const checks = model.origin === 'preprocessed' ? outputChecks : { ...outputChecks, ...inputChecks };
  for (const [code, check] of Object.entries(checks)) {
    const message = await check(probe);
    if (message !== null) warnings.push({ code, message });
  }
  return warnings;
}

/** Gradients through a softmax vanish where the model is sure. */
function softmaxOutputs({ logits, data }: Probe): string | null {
  const { raised, evidence } = probabilities(logits, data.classes.length);
  return raised ? `${evidence}: remove the softmax, attacks need logits.` : null;
}

/** Dropout answers twice differently; BatchNorm on batch statistics lets neighbours in a batch speak. */
async function trainMode({ images, logits, predict }: Probe): Promise<string | null> {
  const again = randomisedOutputs(logits, await predict(images));
  // Batches of seven: alone, some BatchNorm fails in training mode.
  const other = batchNeighbours(logits, await predict(images, 7));
  const found = [again, other].find(({ raised }) => raised);
  return found ? `${found.evidence}: export the model in evaluation mode.` : null;
}

/** What the model may have been made for instead of what was declared. */
async function wrongNormalisation(probe: Probe): Promise<string | null> {
  const same = (value: number) => Array<number>(probe.channels).fill(value);
  const text = (values: readonly number[]) =>
    `[${values.map((value) => Number(value.toFixed(6))).join(', ')}]`;
  const candidates = [
    { mean: same(0), std: same(1) },
    { mean: same(0), std: same(1 / 255) },
    { mean: same(0.5), std: same(0.5) },
    probe.data.native.statistics(),
  ].filter(({ std }) => std.every((value) => value > 0));
  let best: { gain: Gain; candidate: Normalisation } | null = null;
  for (const candidate of candidates) {
    const gain = await gainOf(probe, scaledFor(probe, candidate));
    if (gain !== null && gain.net > (best?.gain.net ?? 0)) best = { gain, candidate };
  }
  if (best === null) return null;
  const { mean, std } = best.candidate;
  return `${best.gain.text} with mean ${text(mean)} and std ${text(std)}: declare these instead.`;
}

/** Images that reach the model, behind its declared normalisation, as `other` would have normalised them. */
function scaledFor({ images, channels, plane, model }: Probe, other: Normalisation): Float32Array {
  const { mean, std } = model.normalisation;
  return images.map((pixel, at) => {
    const c = Math.floor(at / plane) % channels;
    return ((pixel - other.mean[c]!) / other.std[c]!) * std[c]! + mean[c]!;
  });
}

/** Red and blue swapped. */
async function wrongChannelOrder(probe: Probe): Promise<string | null> {
  const { images, channels, plane } = probe;
  if (channels !== 3) return null;
  const swapped = images.map((_, at, all) => {
    const c = Math.floor(at / plane) % 3;
    return all[at + (2 - 2 * c) * plane]!;
  });
  const gain = await gainOf(probe, swapped);
  return gain && `${gain.text} with red and blue swapped: the model was made for BGR images.`;
}

interface Gain {
  /** Images more that are classified correctly. */
  net: number;
  text: string;
}

/** How much more often the model is right on `images` than on the probe; null unless that is plain. */
async function gainOf(probe: Probe, images: Float32Array): Promise<Gain | null> {
  const { labels, logits } = probe;
  const before = correct(logits, labels);
  const after = correct(await probe.predict(images), labels);
  const gained = after.filter((right, i) => right && !before[i]).length;
  const lost = before.filter((right, i) => right && !after[i]).length;
  const net = gained - lost;
  // Three standard errors of a paired difference, and more than a robust model gains by contrast.
  if (net <= 0.1 * labels.length || net <= 3 * Math.sqrt(gained + lost)) return null;
  const percent = (rights: boolean[]) =>
    `${((100 * rights.filter(Boolean).length) / labels.length).toFixed(0)} %`;
  return {
    net,
    text: `Clean accuracy of ${labels.length} images is ${percent(before)}, but ${percent(after)}`,
  };
}

function correct(logits: Float32Array, labels: Int32Array): boolean[] {
  const classes = logits.length / labels.length;
  return Array.from(labels, (label, row) => {
    const scores = logits.subarray(row * classes, (row + 1) * classes);
    return scores.every((score, i) => i === label || score < scores[label]!);
  });
}
