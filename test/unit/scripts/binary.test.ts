import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/native/packageRoot.ts';

interface Binary {
  searchPaths: string[];
  exported: string[];
  versions: Record<string, string>;
}

const { addonProblems, exportedSymbols, newestVersions } = (await import(
  join(packageRoot, 'scripts/binary.mjs')
)) as {
  addonProblems(binary: Binary): string[];
  exportedSymbols(text: string): string[];
  newestVersions(text: string): Record<string, string>;
};

describe('newestVersions', () => {
  it('compares versions as numbers, and reads what is needed, not what is defined', () => {
    const text = `
Version definition section '.gnu.version_d' contains 1 entry:
  000000: Rev: 1  Flags: none  Index: 2  Cnt: 1  Name: GLIBC_2.99
Version needs section '.gnu.version_r' contains 2 entries:
  0x0010:   Name: GLIBC_2.9  Flags: none  Version: 5
  0x0020:   Name: GLIBC_2.34  Flags: none  Version: 4
  0x0030:   Name: GLIBC_2.2.5  Flags: none  Version: 3
  0x0050:   Name: GLIBCXX_3.4.9  Flags: none  Version: 7
  0x0060:   Name: GLIBCXX_3.4.29  Flags: none  Version: 6
`;
    expect(newestVersions(text)).toEqual({ GLIBC: '2.34', GLIBCXX: '3.4.29' });
  });
});

describe('exportedSymbols', () => {
  it('takes strong symbols that are defined here, and weak ones of our own', () => {
    const text = `
   Num:    Value          Size Type    Bind   Vis      Ndx Name
     1: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND exp@GLIBC_2.29 (10)
     2: 0000000000001410    10 FUNC    GLOBAL DEFAULT   12 napi_register_module_v1
     3: 0000000000001420    10 FUNC    WEAK   DEFAULT   12 _ZNKSt6vectorIiE4sizeEv
     4: 0000000000001430    24 OBJECT  WEAK   DEFAULT   14 _ZTIN8selfgrad6AttackE
     5: 0000000000000000     0 FUNC    WEAK   DEFAULT  UND _ZN8selfgrad4fgsmEv
`;
    expect(exportedSymbols(text)).toEqual(['napi_register_module_v1', '_ZTIN8selfgrad6AttackE']);
  });
});

describe('addonProblems', () => {
  const sound: Binary = {
    searchPaths: [],
    exported: ['napi_register_module_v1'],
    versions: { GLIBC: '2.34', GLIBCXX: '3.4.29', CXXABI: '1.3.9' },
  };

  it('is content with an addon at the floor', () => {
    expect(addonProblems(sound)).toEqual([]);
  });

  it.each<[string, Partial<Binary>, string]>([
    ['a newer C library', { versions: { GLIBC: '2.36' } }, 'it needs GLIBC_2.36, newer than 2.34'],
    [
      'a newer C++ library',
      { versions: { GLIBCXX: '3.4.30' } },
      'it needs GLIBCXX_3.4.30, newer than 3.4.29',
    ],
    ['a search path', { searchPaths: ['/home/me/lib'] }, 'it searches libraries in /home/me/lib'],
    ['a symbol for others', { exported: ['napi_register_module_v1', 'sum'] }, 'it exports sum'],
  ])('refuses %s', (_, change, problem) => {
    expect(addonProblems({ ...sound, ...change })).toEqual([problem]);
  });
});
