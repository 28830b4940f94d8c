/** The bill of materials against the lock file, whose graph is walked here as Node resolves it, without npm's flags. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { allPins } from '../../src/native/libtorch/pins.ts';
import { packageRoot } from '../../src/native/packageRoot.ts';

interface Component {
  'bom-ref': string;
  name: string;
  version: string;
  properties: { name: string; value: string }[];
  hashes: { content: string }[];
}

interface Sbom {
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

interface Locked {
  version: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const json = (name: string) => JSON.parse(readFileSync(join(packageRoot, name), 'utf8'));
const manifest = json('package.json') as {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};
const locked = json('package-lock.json').packages as Record<string, Locked>;

/** The place of the package that `name` means in the package at `from`: its own folder first, then outwards. */
function placeOf(name: string, from: string): string {
  const place = `${from === '' ? '' : `${from}/`}node_modules/${name}`;
  if (place in locked) return place;
  if (from === '') throw new Error(`Expected ${name} in the lock file`);
  return placeOf(name, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))));
}

/** Places of everything that the packages `names` bring along. */
function reached(names: string[]): Set<string> {
  const places = new Set<string>();
  const visit = (name: string, from: string) => {
    const place = placeOf(name, from);
    if (places.has(place)) return;
    places.add(place);
    const { dependencies, optionalDependencies } = locked[place]!;
    for (const next of Object.keys({ ...dependencies, ...optionalDependencies })) visit(next, place);
  };
  for (const name of names) visit(name, '');
  return places;
}

const described = (place: string) =>
  `${place.slice(place.lastIndexOf('node_modules/') + 13)}@${locked[place]!.version}`;

let sbom: Sbom;
beforeAll(async () => {
  const { makeSbom } = (await import(join(packageRoot, 'scripts/sbom.mjs'))) as {
    makeSbom(): Promise<Sbom>;
  };
  sbom = await makeSbom();
});
const packagesOf = ({ components }: Sbom) =>
  components.filter(({ properties }) => !properties.some(({ name }) => name === 'selfgrad:platform'));

describe('the bill of materials', () => {
  it('has every dependency, and what they bring along: nothing else of npm', () => {
    const wanted = [...reached(Object.keys(manifest.dependencies))].map(described);
    const found = packagesOf(sbom).map(({ name, version }) => `${name}@${version}`);
    expect(found.toSorted()).toEqual([...new Set(wanted)].toSorted());
    expect(found.map((name) => name.replace(/@[^@]*$/, ''))).toEqual(
      expect.arrayContaining(Object.keys(manifest.dependencies)),
    );
  });

  it('has nothing that only development needs', () => {
    const installed = reached(Object.keys(manifest.dependencies));
    const developed = [...reached(Object.keys(manifest.devDependencies))]
      .filter((place) => !installed.has(place))
      .map(described);
    expect(developed).toContain(`vitest@${locked['node_modules/vitest']!.version}`);
    const alsoInstalled = new Set([...installed].map(described));
    const found = new Set(sbom.components.map(({ name, version }) => `${name}@${version}`));
    expect(developed.filter((name) => found.has(name) && !alsoInstalled.has(name))).toEqual([]);
    expect(JSON.stringify(sbom)).not.toContain('cdx:npm:package:development');
  });

  it('has each wheel of LibTorch once for each platform, by its hash', () => {
    const wheels = sbom.components
      .filter((component) => !packagesOf(sbom).includes(component))
      .map(({ name, version, properties, hashes }) => [
        properties[0]!.value,
        `${name}==${version}`,
        hashes[0]!.content,
      ]);
    const pinned = Object.entries(allPins()).flatMap(([place, { wheels }]) =>
      wheels.map(({ requirement, sha256 }) => [place, requirement, sha256]),
    );
    expect(pinned.filter(([, requirement]) => requirement === 'torch==2.11.0')).toHaveLength(4);
    expect(wheels).toEqual(pinned);
  });

  it('refers to each component once, and only to what is in it', () => {
    const refs = sbom.components.map((component) => component['bom-ref']);
    expect(new Set(refs).size).toBe(refs.length);
    expect(sbom.dependencies.map(({ ref }) => ref).toSorted()).toEqual(
      [...refs, `selfgrad@${json('package.json').version}`].toSorted(),
    );
    expect(
      sbom.dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.includes(ref)),
    ).toEqual([]);
  });
});
