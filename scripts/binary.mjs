/**
 * What a Linux binary asks of the machine that loads it, read with binutils, and whether a prebuilt addon may ask
 * for that: versions of the C and C++ run-times up to a floor, no search path of the machine that built it,
 * no exported symbol besides Node-API's two.
 */
import { run } from './command.mjs';
import { SetupError } from './console.mjs';

/** The newest symbol versions that a prebuilt addon may need: those of RHEL 9, Ubuntu 22.04 and Debian 12. */
export const floor = { GLIBC: '2.34', GLIBCXX: '3.4.29', CXXABI: '1.3.13' };

/** What Node calls in an addon. */
const entryPoints = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

async function readelf(option, file) {
  const { status, output } = await run('readelf', ['--wide', option, file]);
  if (status === 0) return output;
  throw new SetupError(`readelf cannot read ${file}. Install binutils (Debian: apt-get install binutils).`);
}

function isNewer(version, than) {
  const [left, right] = [version, than].map((text) => text.split('.').map(Number));
  const at = left.findIndex((number, index) => number !== (right[index] ?? 0));
  return at >= 0 && left[at] > (right[at] ?? 0);
}

/** The newest version of each family in readelf's list of needed versions, as in { GLIBC: '2.34' }. */
export function newestVersions(versionInfo) {
  const newest = {};
  const needed = versionInfo.slice(versionInfo.indexOf('.gnu.version_r'));
  for (const [, family, version] of needed.matchAll(/Name: (GLIBC|GLIBCXX|CXXABI)_([\d.]+)/g)) {
    if (newest[family] === undefined || isNewer(version, newest[family])) newest[family] = version;
  }
  return newest;
}

/** Mangled names of what this package's own sources define. */
const own = /^_Z(?:T[VIS])?NK?8selfgrad/;

/**
 * Symbols that this binary defines for others. Weak and unique ones count where they are of our own: the others are
 * inline functions, templates and type information of foreign headers, visible because those say so.
 */
export function exportedSymbols(dynamicSymbols) {
  return dynamicSymbols
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, , , , binding, visibility, section, name]) =>
        visibility === 'DEFAULT' && section !== 'UND' && (binding === 'GLOBAL' || own.test(name ?? '')),
    )
    .map(([, , , , , , , name]) => name.split('@')[0]);
}

/** Reads a shared library: { needed, searchPaths, exported, versions }. */
export async function readBinary(file) {
  const dynamic = await readelf('--dynamic', file);
  const values = (tag) =>
    [...dynamic.matchAll(new RegExp(`\\((?:${tag})\\).*\\[(.*)\\]`, 'g'))].map(([, value]) => value);
  return {
    needed: values('NEEDED'),
    searchPaths: values('RPATH|RUNPATH'),
    exported: exportedSymbols(await readelf('--dyn-syms', file)),
    versions: newestVersions(await readelf('--version-info', file)),
  };
}

/** Sentences about what a prebuilt addon must not have; none when it may ship. */
export function addonProblems({ searchPaths, exported, versions }) {
  const problems = searchPaths.map((path) => `it searches libraries in ${path}`);
  const foreign = exported.filter((name) => !entryPoints.includes(name));
  if (foreign.length > 0) problems.push(`it exports ${foreign.slice(0, 3).join(', ')}`);
  for (const [family, version] of Object.entries(versions)) {
    if (isNewer(version, floor[family])) {
      problems.push(`it needs ${family}_${version}, newer than ${floor[family]}`);
    }
  }
  return problems;
}
