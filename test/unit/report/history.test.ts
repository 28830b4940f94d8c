import { describe, expect, test } from 'vitest';
import type { TrainEvent } from '../../../src/events.ts';
import { trainingHistory } from '../../../src/report/history.ts';
import { historyFixture } from './fixture.ts';

describe('trainingHistory', () => {
  test('is null without a training step', () => {
    expect(trainingHistory([])).toBeNull();
    expect(trainingHistory(historyFixture(0))).toBeNull();
  });

  test('places epochs and validation at the forward and backward passes of training', () => {
    const history = trainingHistory(historyFixture(2))!;
    expect(history.epochs).toEqual([
      { epoch: 1, x: 800 },
      { epoch: 2, x: 1600 },
    ]);
    expect(history.accuracy).toEqual([
      { x: 800, y: 0.5 },
      { x: 1600, y: 0.5 },
    ]);
    expect(history.clean.map(({ x, y }) => [x, y])).toEqual([
      [800, 0.7],
      [1600, 0.7],
    ]);
    expect(history.robust[0]!.low).toBeLessThan(0.4);
    expect(history.robust[0]!.high).toBeGreaterThan(0.4);
    expect(history.loss).toHaveLength(8);
    expect(history.loss[0]).toEqual({ x: 200, y: 2 });
  });

  test('places a validation before the first step at zero', () => {
    const events = historyFixture(1);
    const validation = events.find((event) => event.type === 'eval')!;
    const history = trainingHistory([{ ...validation, epoch: 0, step: 0 }, ...events])!;
    expect(history.clean.map(({ x }) => x)).toEqual([0, 800]);
  });

  test('drops what a resume undid', () => {
    const events = historyFixture(2);
    const start = events[0]!;
    if (start.type !== 'start') throw new Error('the fixture opens with start');
    const lateSteps = events.filter((event) => 'step' in event && event.step > 4);
    const interrupted: TrainEvent[] = [...events.slice(0, -2), { ...start, resumedAtStep: 4 }, ...lateSteps];
    expect(trainingHistory(interrupted)).toEqual(trainingHistory(events));
  });

  test('takes the loss of epochs where no step was recorded', () => {
    const epochs = historyFixture(3).filter(({ type }) => type === 'epoch');
    expect(trainingHistory(epochs)!.loss.map(({ x }) => x)).toEqual([800, 1600, 2400]);
  });

  test('condenses a long run and keeps the mean of its loss', () => {
    const { loss } = trainingHistory(historyFixture(120))!;
    expect(loss).toHaveLength(120);
    expect(loss[0]!.y).toBeCloseTo((2 + 1 + 2 / 3 + 1 / 2) / 4, 12);
    expect(loss[0]!.x).toBe(500);
  });

  test('leaves out a loss that is not a number', () => {
    const events = historyFixture(1).map((event) =>
      event.type === 'step' && event.step === 2 ? { ...event, loss: Number.NaN } : event,
    );
    expect(trainingHistory(events)!.loss.map(({ x }) => x)).toEqual([200, 600, 800]);
  });
});
