/** What the figures of a model card do not say, as sentences: derived from how they were measured. */
import type { ModelCard } from './card.ts';
import { counted, percent, threatText } from './format.ts';
import { className } from './tables.ts';

type Figures = NonNullable<ModelCard['evaluation']>;

interface Measured {
  evaluation: Figures | null;
  training: ModelCard['training'];
  /** Of the card's weights. */
  sha256: string | null;
}

/** Below this many images an interval is wider than most differences between methods. */
const manyImages = 1000;

/** Whether the figures are of the card's weights. */
function weightsLimit({ evaluation, sha256 }: Measured & { evaluation: Figures }): string | false {
  const measured = evaluation.model.sha256;
  if (measured === null || sha256 === null)
    return 'It is not recorded which weights were measured: the figures may be of others.';
  return (
    measured !== sha256 &&
    `The figures are of other weights (SHA-256 ${measured.slice(0, 12)}…) and do not hold for these. Run selfgrad eval again.`
  );
}

function attackLimits({ attacks, threat, data }: Figures): (string | false)[] {
  if (attacks.length === 0) return ['No attack was run: nothing is known about robustness.'];
  const names = attacks.map(({ name }) => name);
  return [
    'The robust accuracy is an upper bound: these attacks failed, stronger ones may not.',
    names.every((name) => name === 'fgsm') && 'One-step attacks alone say little: run PGD or APGD.',
    !names.includes('square') &&
      'No attack without gradients (Square) was run, so gradient masking is not ruled out.',
    `It holds for ${threatText(threat)} around images like those of ${data.name}. Larger changes, other norms, rotations, blur, patches, physical changes and images from elsewhere are not covered.`,
  ];
}

/** A mean hides the worst class. */
function classLimit({ perClass, data, attacks }: Figures): string | false {
  const classes = perClass.filter(({ clean }) => clean.count > 0);
  if (classes.length < 2) return false;
  const rateOf = ({ clean, robust }: (typeof classes)[number]) => (attacks.length > 0 ? robust : clean).rate;
  const sorted = classes.toSorted((a, b) => rateOf(a) - rateOf(b));
  const [worst, best] = [sorted[0]!, sorted.at(-1)!];
  const text = (one: typeof worst) =>
    `${percent(rateOf(one), 1)} for “${className(data.classes, one.label)}”`;
  return `Classes differ: ${attacks.length > 0 ? 'robust' : 'clean'} accuracy is ${text(worst)} and ${text(best)}.`;
}

/** The limits that apply, the most serious first. */
export function cardLimits({ evaluation, training, sha256 }: Measured): string[] {
  if (evaluation === null) return ['The network was not evaluated: assume that it is not robust.'];
  const { data, threat } = evaluation;
  const tested = `${threat.norm} ${threat.epsText}`;
  const limits: (string | false)[] = [
    weightsLimit({ evaluation, training, sha256 }),
    data.sha256 === training.data.sha256 && 'The figures are of the images that it was trained on.',
    ...attackLimits(evaluation),
    training.threat !== null &&
      training.threat !== tested &&
      `It was trained for ${training.threat} and measured for ${tested}.`,
    data.count < manyImages && `Measured on only ${counted(data.count, 'image')}: mind the intervals.`,
    classLimit(evaluation),
    data.note !== null && `Data: ${data.note}.`,
    'The intervals are for the draw of the test images; another training seed would give other figures.',
  ];
  return limits.filter((limit) => limit !== false);
}
