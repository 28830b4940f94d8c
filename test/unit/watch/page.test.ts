/** The live page: what it shows at each stage of a run, and that it holds nothing from outside. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { type LiveState, renderLivePage, renderRegions } from '../../../src/cli/watch/page.ts';
import { resolveConfig } from '../../../src/config/resolve.ts';
import type { TrainEvent } from '../../../src/events.ts';
import { rate } from '../../../src/interval.ts';

const { config } = resolveConfig([]);
const passes = { forward: 600, backward: 600 };
const start: TrainEvent = {
  type: 'start',
  steps: 20,
  stepsPerEpoch: 10,
  parameters: 9,
  resumedAtStep: 0,
  validation: null,
  strategy: 'pgd',
};
const at = { step: 5, steps: 20, passes, seconds: 10, imagesPerSecond: 321 };
const step: TrainEvent = { ...at, type: 'step', epoch: 1, loss: 1.25, lr: 0.1 };
const validation: TrainEvent = {
  type: 'eval',
  epoch: 1,
  step: 5,
  clean: rate(80, 100),
  robust: rate(40, 100),
  passes,
  seconds: 1,
};
const end: TrainEvent = { ...at, type: 'end', completed: true, weightGradients: 1 };

function state(events: TrainEvent[], more: Partial<LiveState> = {}): LiveState {
  return { config, events, probe: null, quality: [], problem: null, ...more };
}

test('a run that has told nothing yet has a page', () => {
  expect(renderRegions(state([]))).toMatchObject({
    state: 'Loading the images.',
    notes: '',
    examples: expect.stringContaining('after the first checkpoint'),
  });
});

test('shows progress with the time that is left, and the last validation', () => {
  const { progress, accuracies, curves, state: text } = renderRegions(state([start, step, validation]));
  expect(text).toBe('Training.');
  expect(progress).toContain('<progress aria-label="steps done" max="20" value="5">');
  expect(progress).toContain('<dt>time left</dt><dd>0:30</dd>');
  expect(accuracies).toContain('80.00');
  expect(accuracies).toContain('40.00');
  expect(curves).toContain('training-loss');
});

test('says how it ended, and that it goes on when it was resumed', () => {
  expect(renderRegions(state([start, step, end])).state).toBe('Training has ended.');
  const stopped: TrainEvent = { ...end, completed: false };
  expect(renderRegions(state([start, step, stopped])).state).toBe('Stopped: the run can be resumed.');
  expect(renderRegions(state([start, step, stopped, start])).state).toBe('Training.');
});

test('alarms and what keeps examples away stand among the notes, escaped', () => {
  const alarm: TrainEvent = { type: 'alarm', step: 7, agreement: 0.1, usual: 0.6, remedySteps: 3 };
  const { notes } = renderRegions(state([start, alarm], { problem: '<img src=x>' }));
  expect(notes).toContain('successive gradients agree 0.10');
  expect(notes).toContain('&lt;img src=x&gt;');
});

test('adversary quality is drawn over the run', () => {
  expect(renderRegions(state([], { quality: [{ x: 1, y: 0.93 }] })).quality).toContain('93 %');
});

test('the policy lets through the script and the style of the page, by hash, and nothing else', () => {
  const page = renderLivePage(state([start, step, validation]), 'runs/a');
  const hashOf = (tag: string) => {
    const inner = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(page)![1]!;
    return `${tag}-src 'sha256-${createHash('sha256').update(inner).digest('base64')}'`;
  };
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/
    .exec(page)![1]!
    .replaceAll('&#39;', "'");
  expect(policy.split('; ')).toEqual([
    "default-src 'none'",
    'img-src data:',
    hashOf('style'),
    hashOf('script'),
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ]);
  expect(page).not.toMatch(/(?:src|href)="(?!data:)/);
});
