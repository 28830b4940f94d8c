import { describe, expect, it } from 'vitest';
import { cacheDirectory } from '../../../src/cacheDirectory.ts';

describe('cacheDirectory', () => {
  it.each([
    ['linux', { HOME: '/h' }, '/h/.cache/selfgrad'],
    ['linux', { HOME: '/h', XDG_CACHE_HOME: '/x' }, '/x/selfgrad'],
    ['darwin', { HOME: '/h' }, '/h/Library/Caches/selfgrad'],
    ['linux', { HOME: '/h', XDG_CACHE_HOME: '/x', SELFGRAD_CACHE: '/own' }, '/own'],
  ] as const)('on %s with %j is %s', (platform, env, expected) => {
    expect(cacheDirectory({ platform, env })).toBe(expected);
  });

  it('is in the local application data on Windows', () => {
    const environment = { platform: 'win32', env: { LOCALAPPDATA: 'C:/local' } } as const;
    expect(cacheDirectory(environment)).toMatch(/^C:\/local.selfgrad$/);
  });
});
