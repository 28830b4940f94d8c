/**
 * The wheels that hold LibTorch, pinned by hash, and what is taken out of them, per platform. Linux x64 is the
 * platform that has been run; the others' wheels were read, but nothing was built or loaded there yet.
 */

/** One wheel: a requirement as pip writes it, its SHA-256 and its size for the progress. */
export interface Wheel {
  requirement: string;
  sha256: string;
  bytes: number;
}

export interface PlatformPins {
  wheels: readonly Wheel[];
  /** Tags for pip's --platform: asked for by name, so that any Python can fetch them. */
  tags: readonly string[];
}

/** Of LibTorch 2.11.0, keyed by `<platform>-<arch>` as Node names them. */
const pins: Readonly<Record<string, PlatformPins>> = {
  'linux-x64': {
    tags: ['manylinux_2_28_x86_64', 'manylinux_2_25_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64'],
    wheels: [
      {
        requirement: 'torch==2.11.0',
        sha256: '7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a',
        bytes: 530_604_548,
      },
      {
        requirement: 'nvidia-cuda-runtime==13.0.96',
        sha256: '7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548',
        bytes: 2_243_632,
      },
      {
        requirement: 'nvidia-cuda-cupti==13.0.85',
        sha256: '4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8',
        bytes: 10_715_597,
      },
    ],
  },
  'linux-arm64': {
    tags: [
      'manylinux_2_28_aarch64',
      'manylinux_2_25_aarch64',
      'manylinux_2_17_aarch64',
      'manylinux2014_aarch64',
    ],
    wheels: [
      {
        requirement: 'torch==2.11.0',
        sha256: 'd91aac77f24082809d2c5a93f52a5f085032740a1ebc9252a7b052ef5a4fddc6',
        bytes: 420_000_000,
      },
      {
        requirement: 'nvidia-cuda-runtime==13.0.96',
        sha256: 'ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55',
        bytes: 2_300_000,
      },
      {
        requirement: 'nvidia-cuda-cupti==13.0.85',
        sha256: '796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151',
        bytes: 10_700_000,
      },
    ],
  },
  'darwin-arm64': {
    tags: ['macosx_11_0_arm64'],
    wheels: [
      {
        requirement: 'torch==2.11.0',
        sha256: '7b6a60d48062809f58595509c524b88e6ddec3ebe25833d6462eeab81e5f2ce4',
        bytes: 80_529_712,
      },
    ],
  },
  'win32-x64': {
    tags: ['win_amd64'],
    wheels: [
      {
        requirement: 'torch==2.11.0',
        sha256: '73e24aaf8f36ab90d95cd1761208b2eb70841c2a9ca1a3f9061b39fc5331b708',
        bytes: 114_519_675,
      },
    ],
  },
};

/** The pinned wheels for this platform; undefined where PyTorch publishes none. */
export function platformPins(platform: NodeJS.Platform, arch: string): PlatformPins | undefined {
  return pins[`${platform}-${arch}`];
}

/** The pins of every platform, by `<platform>-<arch>`. */
export function allPins(): Readonly<Record<string, PlatformPins>> {
  return pins;
}

/** PyTorch's own archive for the CPU, used where there is no pip. Its checksum must come from the user. */
export function archiveAddress(version: string): string {
  return `https://download.pytorch.org/libtorch/cpu/libtorch-shared-with-deps-${version}%2Bcpu.zip`;
}

const wantedLibraries: Readonly<Partial<Record<NodeJS.Platform, RegExp>>> = {
  linux: /^lib(?:torch_cpu|c10|gomp|cudart|cupti|arm_compute\w*|nvpl_\w+|gfortran)(?:-[\da-f]+)?\.so[.\d]*$/,
  darwin: /^lib(?:torch_cpu|c10|omp)\.dylib$/,
  win32: /^(?:torch_cpu|c10|libiomp5md|uv)\.(?:dll|lib)$/,
};

const libraryFolder =
  /^(?:torch\/lib|torch\.libs|libtorch\/lib|nvidia\/[\w.-]+\/lib|nvidia\/[\w.-]+\/[\w.-]+\/lib)\/([^/]+)$/;
const licenceFile = /^(torch|nvidia_\w+)-[\d.]+\.dist-info\/licenses\/(\w[\w.-]*)$/;
const headerFile = /^(?:torch|libtorch)\/(include\/(?:[\w.+-]+\/)*[\w.+-]+)$/;

/**
 * Where an archive's entry goes, relative to LibTorch's folder, or null when it is not needed. Only names of
 * this list are ever written, whatever an archive holds.
 */
export function targetOf(entry: string, platform: NodeJS.Platform): string | null {
  const library = libraryFolder.exec(entry)?.[1];
  if (library !== undefined) return wantedLibraries[platform]?.test(library) ? `lib/${library}` : null;
  const licence = licenceFile.exec(entry);
  if (licence !== null) return `licenses/${licence[1]}/${licence[2]}`;
  const header = headerFile.exec(entry)?.[1];
  return header !== undefined && !header.split('/').includes('..') ? header : null;
}
