/** The model card: what a trained network is, how robust it is, and what that does not say. */
import type { Evaluation, Passes } from '../evaluation.ts';
import type { TrainEvent } from '../events.ts';
import { versions } from '../machine.ts';
import type { Model } from '../model.ts';
import { cardLimits } from './cardLimits.ts';

export interface CardInput {
  model: Model;
  /** Null when the network was never evaluated; the card then says so. */
  evaluation: Evaluation | null;
  /** The events of the training run. Defaults to none. */
  history?: readonly TrainEvent[];
  /** The resolved configuration of the training run as a plain object. Defaults to null. */
  config?: object | null;
  /** The shell command that repeats the training. Defaults to null. */
  command?: string | null;
}

/** As `evaluation.json`, without what it holds of single images. */
type Figures = Omit<Evaluation, 'examples' | 'images'>;

/** A card as data: `card.json`. */
export interface ModelCard {
  schema: 'selfgrad.card/1';
  model: {
    architecture: string;
    parameters: number;
    /** Of one image's forward pass. */
    flops: number;
    /** Channels, height, width; pixels in [0, 1]. */
    shape: [channels: number, height: number, width: number];
    classes: string[];
    mean: number[];
    std: number[];
    /** Of the file that the weights came from; null for a model that was not loaded. */
    sha256: string | null;
  };
  /** Null where it is not known. */
  training: {
    strategy: string | null;
    threat: string | null;
    data: { name: string | null; sha256: string | null };
    epochs: number | null;
    passes: Passes | null;
    seconds: number | null;
    config: object | null;
  };
  evaluation: Figures | null;
  intendedUse: string[];
  limits: string[];
  /** Shell commands. */
  reproduce: { train: string | null; evaluate: string | null };
  versions: { selfgrad: string; libtorch: string; node: string };
}

function trainingOf({ model, history = [], config = null }: CardInput): ModelCard['training'] {
  const { strategy, threat, 'data.name': name, 'data.sha256': sha256 } = model.metadata;
  const end = history.findLast((event) => event.type === 'end');
  const epoch = history.findLast((event) => event.type === 'epoch');
  return {
    strategy: strategy ?? null,
    threat: threat ?? null,
    data: { name: name ?? null, sha256: sha256 ?? null },
    epochs: epoch?.epoch ?? null,
    passes: end?.passes ?? null,
    seconds: end?.seconds ?? null,
    config,
  };
}

function figuresOf({ examples: _, images: __, ...figures }: Evaluation): Figures {
  return figures;
}

/** Collects the card of a model; it holds no date of its own, so that the same inputs give the same card. */
export function modelCard(input: CardInput): ModelCard {
  const { model, evaluation, command = null } = input;
  const { architecture, channels, height, width, mean, std } = model.networkOptions;
  const { sha256 } = model;
  const training = trainingOf(input);
  const images = `images of ${channels}×${height}×${width} pixels`;
  return {
    schema: 'selfgrad.card/1',
    model: {
      architecture,
      parameters: model.parameterCount,
      flops: model.flops,
      shape: [channels, height, width],
      classes: model.classes,
      mean,
      std,
      sha256,
    },
    training,
    evaluation: evaluation && figuresOf(evaluation),
    intendedUse: [
      `Classifying ${images} like those of the training data into ${model.classes.length} classes.`,
      'Research on adversarial robustness, and systems that measure the network on their own data first.',
    ],
    limits: cardLimits({ evaluation, training, sha256 }),
    reproduce: { train: command, evaluate: evaluation?.command ?? null },
    versions: versions(),
  };
}
