/** Images beside what the attack made of them: the difference amplified until it can be seen, the gradient as a map. */
import type { AdversarialExample, Evaluation } from '../evaluation.ts';
import { percent } from './format.ts';
import { gradientMap } from './gradientMap.ts';
import { type Content, html, type Markup } from './markup.ts';
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

/** The map of an example's gradient; nothing where none was kept. */
function gradientPicture(gradient: AdversarialExample['gradient'], shape: Shape): Content {
  if (!gradient) return null;
  const { pixels, largest } = gradientMap(gradient, shape);
  const scale = Number(largest.toPrecision(2));
  return picture(
    pixels,
    [3, shape[1], shape[2]],
    `map of the gradient at the original image, from −${scale} to ${scale}`,
    html`gradient<br>± ${scale}`,
  );
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
${gradientPicture(example.gradient, shape)}
</div></figure>`;
}

/** Why some examples have no map; nothing where all have one. */
function withoutGradient(stored: readonly AdversarialExample[]): Content {
  if (stored.some(({ gradient }) => gradient === undefined)) {
    return html`<p class="lead">There are no maps of gradients: the evaluation is of a version that did not keep them. Run selfgrad eval again for them.</p>`;
  }
  const none = stored.filter(({ gradient }) => gradient === null).length;
  if (none === 0) return null;
  return html`<p class="lead">${none === stored.length ? 'There is no map' : 'Some have no map'} of the gradient: the model gives none there, or none that is finite.</p>`;
}

/** A card for each stored example: original, adversarial, difference, gradient, and what the model said. */
export function examples({ examples: stored, data }: Pick<Evaluation, 'examples' | 'data'>): Markup {
  return html`${withoutGradient(stored)}<div class="examples">${stored.map((example) => card(example, data.shape, data.classes))}</div>`;
}
