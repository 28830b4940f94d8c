/** What the outcomes of single images add up to: who still stands after so many steps, and how far the others fell. */
import type { Evaluation, Rate } from '../evaluation.ts';
import { rate } from '../interval.ts';

/** Who stands against an attack, of all images, after its first steps. */
export interface StandingCurve {
  attack: string;
  /** Images that it broke and no attack before it. */
  broken: number;
  /** Rising in `steps`; where they go up the share has changed, but for the last one. */
  points: { steps: number; standing: Rate }[];
}

/** At most so many points are kept between zero and the largest lead. */
const maxLeads = 100;

/** Numbers of steps at which is counted: each up to 20, then 5 % apart, and the last. */
function moments(end: number): number[] {
  const found: number[] = [];
  for (let steps = 0; steps < end; steps = Math.max(steps + 1, Math.floor(steps * 1.05))) found.push(steps);
  return [...found, end];
}

/** How many steps an attack took with those that it did not break, as far as its options tell. */
function planned(options: Evaluation['attacks'][number]['options']): number {
  const { steps, queries, restarts } = options;
  return Number(steps ?? queries ?? 1) * Number(restarts ?? 1);
}

/**
 * A curve for each attack, in their order. An image stands until the first attack of the list that breaks it, so that
 * a curve begins where the one before it ended. Empty where nothing was broken.
 */
export function standingCurves({ attacks, images }: Pick<Evaluation, 'attacks' | 'images'>): StandingCurve[] {
  const { brokenBy, steps: taken } = images;
  if (!brokenBy.some((by) => by >= 0)) return [];
  let standing = brokenBy.filter((by) => by !== -2).length;
  return attacks.map(({ name, options }, i) => {
    const broken = taken.filter((steps, image): steps is number => brokenBy[image] === i && steps !== null);
    const end = broken.reduce((most, steps) => Math.max(most, steps), planned(options));
    const before = standing;
    standing -= broken.length;
    const points = moments(end).map((steps) => {
      const fallen = broken.filter((at) => at <= steps).length;
      return { steps, standing: rate(before - fallen, brokenBy.length) };
    });
    const changes = points.filter(
      ({ standing: now }, k) =>
        k === 0 || k === points.length - 1 || now.correct !== points[k - 1]!.standing.correct,
    );
    return { attack: name, broken: broken.length, points: changes };
  });
}

/** The share of broken images, of any attack, on which the wrong class leads by at most `lead` logits. */
export interface LeadPoint {
  lead: number;
  share: Rate;
}

/** The distribution of the leads, from none of the broken images to all; empty where nothing was broken. */
export function leadCurve({ margins }: Evaluation['images']): LeadPoint[] {
  const leads = margins
    .filter((margin) => margin !== null)
    .map((margin) => Math.max(0, -margin))
    .sort((a, b) => a - b);
  const { length } = leads;
  if (length === 0) return [];
  const parts = Math.min(length, maxLeads);
  const points = Array.from({ length: parts }, (_, k) => {
    const count = Math.ceil(((k + 1) * length) / parts);
    return { lead: leads[count - 1]!, share: rate(count, length) };
  });
  return [{ lead: 0, share: rate(0, length) }, ...points];
}
