/** Who stands after so many steps, and how far the others fell: counted by hand, and laws for any outcome. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Evaluation } from '../../../src/evaluation.ts';
import { leadCurve, standingCurves } from '../../../src/report/outcomes.ts';
import { evaluationFixture } from './fixture.ts';

const [pgd, cw] = evaluationFixture().attacks;

/** An evaluation of which each image is given by what broke it and after how many steps; `null` stands. */
function outcome(
  images: ([by: number, steps: number] | 'wrong' | null)[],
  attacks: Evaluation['attacks'] = [pgd!, cw!],
): Pick<Evaluation, 'attacks' | 'images'> {
  const broken = images.map((image) => (image === null || image === 'wrong' ? null : image));
  return {
    attacks,
    images: {
      first: 0,
      total: images.length,
      predictions: images.map(() => 0),
      brokenBy: images.map((image) => (image === 'wrong' ? -2 : image === null ? -1 : image[0])),
      steps: broken.map((image) => image?.[1] ?? null),
      margins: broken.map((image) => (image === null ? null : -1)),
    },
  };
}

const counts = (found: ReturnType<typeof standingCurves>) =>
  found.map(({ attack, broken, points }) => [
    attack,
    broken,
    points.map(({ steps, standing }) => [steps, standing.correct]),
  ]);

describe('standingCurves', () => {
  test('count who stands after so many steps, each attack on from the one before', () => {
    const curves = standingCurves(outcome(['wrong', null, [0, 0], [0, 3], [0, 3], [1, 12]]));
    expect(counts(curves)).toEqual([
      [
        'pgd',
        3,
        [
          [0, 4],
          [3, 2],
          [20, 2],
        ],
      ],
      [
        'cw-l2',
        1,
        [
          [0, 2],
          [12, 1],
          [1000, 1],
        ],
      ],
    ]);
    expect(curves[0]!.points.every(({ standing }) => standing.count === 6)).toBe(true);
  });

  test('go on to the last step that broke an image, where the options do not tell so many', () => {
    const fab = { ...pgd!, name: 'fab-t', options: { steps: 10, targets: 9 } };
    expect(counts(standingCurves(outcome([[0, 77], null], [fab])))).toEqual([
      [
        'fab-t',
        1,
        [
          [0, 2],
          [77, 1],
        ],
      ],
    ]);
  });

  test.each([
    [{ steps: 10, restarts: 5 }, 50],
    [{ queries: 200 }, 200],
    [{ restarts: 100 }, 100],
    [{}, 1],
  ])('know from %o that an attack takes %d steps', (options, end) => {
    const attack = { ...pgd!, options: options as Record<string, number> };
    expect(standingCurves(outcome([[0, 0]], [attack]))[0]!.points.at(-1)!.steps).toBe(end);
  });

  test('take more images than a function takes arguments', () => {
    const images = Array.from({ length: 300_000 }, (): [number, number] => [0, 21]);
    expect(standingCurves(outcome(images, [pgd!]))[0]!.points.at(-1)).toMatchObject({
      steps: 21,
      standing: { correct: 0, count: 300_000 },
    });
  });

  test('are none where nothing was broken, or there are no images', () => {
    expect(standingCurves(outcome([null, 'wrong']))).toEqual([]);
    expect(standingCurves(outcome([]))).toEqual([]);
    expect(standingCurves(outcome(['wrong'], []))).toEqual([]);
  });

  test('fall, lose as many as were broken, and stay short, for any outcome', () => {
    const image = fc.oneof(
      fc.constant(null),
      fc.constant('wrong' as const),
      fc.tuple(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 10_000 })),
    );
    fc.assert(
      fc.property(fc.array(image, { maxLength: 300 }), (images) => {
        let standing = images.filter((one) => one !== 'wrong').length;
        for (const { broken, points } of standingCurves(outcome(images))) {
          const correct = points.map((point) => point.standing.correct);
          expect(correct).toEqual(correct.toSorted((a, b) => b - a));
          expect(points.map(({ steps }) => steps)).toEqual(
            [...new Set(points.map(({ steps }) => steps))].sort((a, b) => a - b),
          );
          expect(points.length).toBeLessThan(200);
          standing -= broken;
          expect(correct.at(-1)).toBe(standing);
        }
      }),
    );
  });
});

describe('leadCurve', () => {
  const curve = (margins: (number | null)[]) =>
    leadCurve({ ...outcome([]).images, margins }).map(({ lead, share }) => [
      lead,
      share.correct,
      share.count,
    ]);

  test('has a point for each broken image, the nearest first', () => {
    expect(curve([-0.5, null, -0.25, -2])).toEqual([
      [0, 0, 3],
      [0.25, 1, 3],
      [0.5, 2, 3],
      [2, 3, 3],
    ]);
  });

  test('counts a tie as no lead', () => {
    expect(curve([0, 1e-9])).toEqual([
      [0, 0, 2],
      [0, 1, 2],
      [0, 2, 2],
    ]);
  });

  test('is none where nothing was broken', () => {
    expect(curve([null, null])).toEqual([]);
    expect(curve([])).toEqual([]);
  });

  test('keeps a hundred parts of many images, the largest lead among them', () => {
    const points = curve(Array.from({ length: 12_345 }, (_, k) => -k));
    expect(points).toHaveLength(101);
    expect(points.at(-1)).toEqual([12_344, 12_345, 12_345]);
    expect(points[50]).toEqual([6172, 6173, 12_345]);
  });
});
