/** An npm registry on the loopback that serves packages out of folders, so that installing needs no network. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { create } from 'tar';
import { packageRoot } from '../../src/native/packageRoot.ts';

interface LockedPackage {
  dev?: boolean;
  devOptional?: boolean;
}

/** The folders of all packages that installing selfgrad brings along, as npm installed them in this clone. */
export function installedDependencies(): string[] {
  const lock = JSON.parse(readFileSync(join(packageRoot, 'package-lock.json'), 'utf8'));
  return Object.entries(lock.packages as Record<string, LockedPackage>)
    .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
    .map(([path]) => join(packageRoot, path));
}

interface Manifest {
  name: string;
  version: string;
}

export interface Registry {
  url: string;
  close(): Promise<void>;
}

/** Serves the packages in these folders, each packed when it is asked for. */
export async function serveRegistry(folders: string[]): Promise<Registry> {
  const packages = folders.map((folder) => {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
    return { folder, manifest, tarball: `/${manifest.name}/-/${manifest.version}.tgz` };
  });
  const document = (name: string, host: string | undefined) => {
    const versions = packages.filter(({ manifest }) => manifest.name === name);
    if (versions.length === 0) return undefined;
    return {
      name,
      'dist-tags': { latest: versions.at(-1)!.manifest.version },
      versions: Object.fromEntries(
        versions.map(({ manifest, tarball }) => [
          manifest.version,
          { ...manifest, dist: { tarball: `http://${host}${tarball}` } },
        ]),
      ),
    };
  };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    const asked = packages.find(({ tarball }) => tarball === path);
    if (asked) {
      // Level 1: the clean machine is not what compression is judged by.
      const packed = create(
        {
          cwd: asked.folder,
          prefix: 'package',
          gzip: { level: 1 },
          filter: (entry) => !entry.startsWith('./node_modules'),
        },
        ['.'],
      );
      pipeline(packed, response).catch(() => response.destroy());
      return;
    }
    const body = document(path.slice(1), request.headers.host);
    response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
