import { expect, test, vi } from 'vitest';
import { mustMap } from '../../../src/data/storage.ts';

test('auto maps what is more than half of the memory that is available; the others are commands', () => {
  vi.spyOn(process, 'availableMemory').mockReturnValue(1000);
  expect([mustMap('auto', 500), mustMap('auto', 501)]).toEqual([false, true]);
  expect([mustMap('memory', 1e15), mustMap('mapped', 1)]).toEqual([false, true]);
});
