/** The bill of materials (CycloneDX) of the package: npm's own for what npm installs, and LibTorch beside it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, runNpm } from './command.mjs';
import { SetupError } from './console.mjs';

/** One wheel of LibTorch as a component. */
function wheelComponent({ requirement, sha256 }) {
  const [name, version] = requirement.split('==');
  const purl = `pkg:pypi/${name}@${version}`;
  return {
    // Wheels of several platforms share a name and version, and differ in their hash.
    'bom-ref': `${purl}#${sha256.slice(0, 12)}`,
    type: 'library',
    name,
    version,
    scope: 'optional',
    purl,
    hashes: [{ alg: 'SHA-256', content: sha256 }],
    licenses: [{ license: name === 'torch' ? { id: 'BSD-3-Clause' } : { name: 'NVIDIA proprietary' } }],
  };
}

/** Returns the document; what is developed with, but not installed, is not in it. */
export async function makeSbom() {
  const args = [
    'sbom',
    '--sbom-format=cyclonedx',
    '--sbom-type=library',
    '--omit=dev',
    '--package-lock-only',
  ];
  const { status, output } = await runNpm([...args, '--loglevel=error']);
  if (status !== 0) throw new SetupError(`npm sbom failed: ${output}`);
  const bom = JSON.parse(output.slice(output.indexOf('{')));
  const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  // npm takes the name of the folder.
  bom.metadata.component.name = name;
  const { allPins } = await import(pathToFileURL(join(root, 'dist/native/libtorch/pins.js')).href);
  bom.components.push(...allPins().flatMap(({ wheels }) => wheels.map(wheelComponent)));
  return bom;
}
