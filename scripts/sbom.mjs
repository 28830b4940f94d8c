/** The bill of materials (CycloneDX) of the package: npm's own for what npm installs, and LibTorch beside it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, runNpm } from './command.mjs';
import { SetupError } from './console.mjs';

/** One platform's wheel as a component. Wheels of several platforms share a name and version, and differ in their hash. */
function wheelComponent(place, { requirement, sha256 }) {
  const [name, version] = requirement.split('==');
  const purl = `pkg:pypi/${name}@${version}`;
  return {
    'bom-ref': `${purl}#${place}`,
    type: 'library',
    name,
    version,
    scope: 'optional',
    purl,
    properties: [{ name: 'selfgrad:platform', value: place }],
    hashes: [{ alg: 'SHA-256', content: sha256 }],
    licenses: [{ license: name === 'torch' ? { id: 'BSD-3-Clause' } : { name: 'NVIDIA proprietary' } }],
  };
}

/** name@version, as npm's document refers to them, of the packages that installing this one brings along. */
function installedPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return new Set(
    Object.entries(packages)
      .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
      .map(([path, { name, version }]) => `${name ?? path.split('node_modules/').at(-1)}@${version}`),
  );
}

/** Returns the document; what is developed with, but not installed, is not in it. */
export async function makeSbom() {
  // Not --omit=dev: npm then leaves out, too, what is installed *and* developed with.
  const args = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=library', '--package-lock-only'];
  const { status, output } = await runNpm([...args, '--loglevel=error']);
  if (status !== 0) throw new SetupError(`npm sbom failed: ${output}`);
  const bom = JSON.parse(output.slice(output.indexOf('{')));
  const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  // npm takes the name of the folder.
  bom.metadata.component.name = name;
  const { allPins } = await import(pathToFileURL(join(root, 'dist/native/libtorch/pins.js')).href);
  const wheels = Object.entries(allPins()).flatMap(([place, pins]) =>
    pins.wheels.map((wheel) => wheelComponent(place, wheel)),
  );
  const installed = installedPackages();
  const self = bom.metadata.component['bom-ref'];
  bom.components = bom.components
    .filter((component) => installed.has(component['bom-ref']))
    // npm calls what is in both so, and what is here is not.
    .map(({ properties, ...component }) => ({
      ...component,
      properties: properties.filter((property) => property.name !== 'cdx:npm:package:development'),
    }))
    .concat(wheels);
  const wheelNames = wheels.map((wheel) => wheel['bom-ref']);
  bom.dependencies = bom.dependencies
    .filter(({ ref }) => ref === self || installed.has(ref))
    .map(({ ref, dependsOn }) => ({
      ref,
      dependsOn: [...dependsOn.filter((on) => installed.has(on)), ...(ref === self ? wheelNames : [])],
    }))
    .concat(wheelNames.map((ref) => ({ ref, dependsOn: [] })));
  return bom;
}
