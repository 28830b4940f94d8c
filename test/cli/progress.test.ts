import { describe, expect, it } from 'vitest';
import { barProgress } from '../../src/cli/progress/bar.ts';
import { lineProgress } from '../../src/cli/progress/line.ts';
import type { Progress, ProgressEvent } from '../../src/cli/progress/progress.ts';
import { rate } from '../../src/interval.ts';

const clear = '\r\x1b[K';
const passes = { forward: 123_456, backward: 120_000 };

const start: ProgressEvent = {
  type: 'start',
  steps: 20,
  stepsPerEpoch: 10,
  parameters: 12345,
  resumedAtStep: 0,
  strategy: 'self-gradient',
  validation: { split: 'test', count: 500 },
};

function step(at: number): ProgressEvent {
  return {
    type: 'step',
    step: at,
    steps: 20,
    epoch: Math.ceil(at / 10),
    loss: 1.5,
    lr: 0.1,
    passes,
    seconds: at,
    imagesPerSecond: 1234,
  };
}

function epoch(at: number): ProgressEvent {
  return {
    type: 'epoch',
    epoch: at,
    step: at * 10,
    loss: 1.25,
    accuracy: 0.331,
    lr: 0.1,
    passes,
    seconds: 12.34,
  };
}

const validation: ProgressEvent = {
  type: 'eval',
  epoch: 1,
  step: 10,
  clean: rate(226, 500),
  robust: rate(142, 500),
  passes,
  seconds: 1,
};

const events: ProgressEvent[] = [
  start,
  step(5),
  step(10),
  epoch(1),
  validation,
  { type: 'checkpoint', path: 'x', step: 10 },
  step(20),
  epoch(2),
  {
    type: 'end',
    completed: true,
    step: 20,
    steps: 20,
    passes,
    weightGradients: 10,
    seconds: 25,
    imagesPerSecond: 1234,
  },
];

function shown(open: (write: (text: string) => void) => Progress, list: readonly ProgressEvent[]): string {
  let text = '';
  const progress = open((more) => {
    text += more;
  });
  for (const event of list) progress.show(event);
  progress.close();
  return text;
}

/** A clock by which a second goes by between two looks. */
function ticking(): () => number {
  let now = 0;
  return () => (now += 1000);
}

const inLines = (write: (text: string) => void) => lineProgress(write, ticking());

describe('lineProgress', () => {
  it('writes one line an epoch, with its validation', () => {
    expect(shown(inLines, events)).toMatchInlineSnapshot(`
      "train  self-gradient · 12 345 parameters · 20 steps · validated on 500 images of the test split
      epoch   1/2  loss 1.250  train 33.1 %  clean 45.2 %  robust 28.4 %  0.12 M passes  1 234 img/s  12.3 s  0:12 left
      epoch   2/2  loss 1.250  train 33.1 %  0.12 M passes  1 234 img/s  12.3 s
      "
    `);
  });

  it('writes one line an attack', () => {
    const text = shown(inLines, [
      { type: 'clean', done: 50, correct: 40, count: 100 },
      { type: 'clean', done: 100, correct: 80, count: 100 },
      { type: 'attack', attack: 0, name: 'pgd', done: 40, total: 80, broken: 10 },
      { type: 'attack-end', attack: 0, name: 'pgd', broken: 30, robust: 50 },
    ]);
    expect(text).toBe('clean  80.00 %  100 images\npgd  30 broken\n');
  });

  it('shows a warning, and an epoch whose validation never came', () => {
    const text = shown(inLines, [epoch(1), { type: 'warning', code: 'W_X', message: 'Look.' }, epoch(2)]);
    expect(text).toBe(
      'epoch   1  loss 1.250  train 33.1 %  0.12 M passes  12.3 s\nwarning  W_X  Look. (docs/errors.md#w_x)\nepoch   2  loss 1.250  train 33.1 %  0.12 M passes  12.3 s\n',
    );
  });

  it('says where a resumed run goes on', () => {
    expect(shown(inLines, [{ ...start, resumedAtStep: 7 } as ProgressEvent])).toBe(
      'train  self-gradient · 12 345 parameters · 20 steps, resumed at step 7 · validated on 500 images of the test split\n',
    );
  });

  it('says how long the rest of an evaluation takes at its pace', () => {
    const part = (done: number): ProgressEvent => ({
      type: 'part',
      done,
      count: 300,
      clean: rate(8, 10),
      robust: rate(4, 10),
    });
    expect(shown(inLines, [part(100), part(200), part(300)])).toBe(
      [
        '100 of 300 images  clean 80.00 %  robust 40.00 %  0:02 left',
        '200 of 300 images  clean 80.00 %  robust 40.00 %  0:01 left',
        '300 of 300 images  clean 80.00 %  robust 40.00 %',
        '',
      ].join('\n'),
    );
  });
});

describe('barProgress', () => {
  const bar =
    (clock: () => number, columns = 80) =>
    (write: (text: string) => void) =>
      barProgress(write, () => columns, clock);

  it('redraws one line and leaves a finished line per epoch', () => {
    let now = 0;
    const text = shown(
      bar(() => (now += 1000)),
      events,
    );
    const visible = text.split('\n').map((line) => line.slice(line.lastIndexOf(clear) + clear.length));
    expect(visible).toEqual([
      'train  self-gradient · 12 345 parameters · 20 steps · validated on 500 images of the test split',
      'epoch   1/2  loss 1.250  train 33.1 %  clean 45.2 %  robust 28.4 %  0.12 M passes  1 234 img/s  12.3 s  0:12 left',
      'epoch   2/2  loss 1.250  train 33.1 %  0.12 M passes  1 234 img/s  12.3 s',
      '',
    ]);
    expect(text).toContain('train ━━━━────────────  25 %  loss 1.500  0.12 M passes  1 234 img/s  0:15 left');
    expect(text).toContain('100 %  loss 1.500  robust 28.4 %  0.12 M passes  1 234 img/s');
  });

  it('draws at most ten times a second', () => {
    const text = shown(
      bar(() => 0),
      [step(1), step(2), step(3)],
    );
    expect(text.match(/loss/g)).toHaveLength(1);
  });

  it.each([20, 40, 80, 200])('keeps within %d columns', (columns) => {
    let now = 0;
    const text = shown(
      bar(() => (now += 1000), columns),
      [step(1), step(7), step(20)],
    );
    const drawn = text.split('\r\x1b[K').filter((line) => line !== '');
    expect(drawn).toHaveLength(3);
    expect(Math.max(...drawn.map((line) => line.length))).toBeLessThan(columns);
  });

  it('shows how far the clean images are, and their accuracy only when all are counted', () => {
    let now = 0;
    const text = shown(
      bar(() => (now += 1000)),
      [
        { type: 'clean', done: 1500, correct: 1400, count: 3000 },
        { type: 'clean', done: 3000, correct: 2400, count: 3000 },
      ],
    );
    expect(text).toContain('clean ━━━━━━━━━━━━━━━───────────────  50 %  1 500 / 3 000');
    expect(text.match(/\d\d\.\d\d %/g)).toEqual(['80.00 %']);
  });

  it('says how long an attack takes yet, once its pace is known', () => {
    const attack = (done: number): ProgressEvent => ({
      type: 'attack',
      attack: 0,
      name: 'pgd',
      done,
      total: 80,
      broken: 10,
    });
    const text = shown(bar(ticking()), [attack(20), attack(40), attack(80)]);
    expect(text.match(/broken( {2}[\d:]+ left)?/g)).toEqual(['broken', 'broken  0:02 left', 'broken']);
  });

  it('draws a bar at once that takes the place of another', () => {
    const text = shown(
      bar(() => 0),
      [
        { type: 'clean', done: 100, correct: 80, count: 100 },
        { type: 'attack', attack: 0, name: 'pgd', done: 0, total: 80, broken: 0 },
      ],
    );
    expect(text).toContain('   0 %  0 / 80  0 broken');
  });

  it('uses no colours', () => {
    let now = 0;
    const text = shown(
      bar(() => (now += 1000)),
      events,
    );
    expect(text.replaceAll('\r\x1b[K', '')).not.toContain('\x1b');
  });
});
