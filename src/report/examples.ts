/** Images beside what the attack made of them, with the difference amplified until it can be seen. */
import type { AdversarialExample, Evaluation } from '../evaluation.ts';
import { percent } from './format.ts';
import { html, type Markup } from './markup.ts';
import { pngDataUri, type Shape } from './png.ts';
import { className } from './tables.ts';

/** A difference around middle grey: `0.5 + factor · (adversarial - image)`. */
interface Difference {
  pixels: number[];
  /** How many times the difference is amplified; 1 or more. */
  factor: number;
}

/** Amplifies as far as no pixel is clipped, by a whole number so that it can be read. */
export function amplify({
  image,
  adversarial,
}: Pick<AdversarialExample, 'image' | 'adversarial'>): Difference {
  const delta = adversarial.map((value, index) => value - image[index]!);
  const largest = delta.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  // Stored pixels have four decimals: a smaller difference is none, and without the slack 0.1001 would turn a
  // factor of 5 into 4.
  const factor = largest < 1e-4 ? 1 : Math.max(1, Math.floor((0.5 / largest) * 1.01));
  return { pixels: delta.map((value) => 0.5 + factor * value), factor };
}

function picture(pixels: readonly number[], shape: Shape, alt: string, caption: Markup): Markup {
  const [, height, width] = shape;
  return html`<div class="picture"><img src="${pngDataUri(pixels, shape)}" width="${width}" height="${height}" alt="${alt}"><span>${caption}</span></div>`;
}

function card(example: AdversarialExample, shape: Shape, classes: readonly string[]): Markup {
  const { label, cleanPrediction, adversarialPrediction } = example;
  const truth = className(classes, label);
  const said = (prediction: number, confidence: number): Markup =>
    html`<b class="${prediction === label ? 'right' : 'wrong'}">${className(classes, prediction)}</b><br>${percent(confidence, 0)}`;
  const { pixels, factor } = amplify(example);
  return html`<figure class="example"><figcaption><b>${truth}</b> <span>image ${example.index} · ${example.attack}</span></figcaption><div class="pictures">
${picture(example.image, shape, `original image of ${truth}`, said(cleanPrediction, example.cleanConfidence))}
${picture(example.adversarial, shape, `the same image under ${example.attack}`, said(adversarialPrediction, example.adversarialConfidence))}
${picture(pixels, shape, 'the difference of the two', html`difference<br>× ${factor}`)}
</div></figure>`;
}

/** A card for each stored example: original, adversarial, difference, and what the model said. */
export function examples({ examples: stored, data }: Pick<Evaluation, 'examples' | 'data'>): Markup {
  return html`<div class="examples">${stored.map((example) => card(example, data.shape, data.classes))}</div>`;
}
