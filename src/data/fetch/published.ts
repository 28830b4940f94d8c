/**
 * The data sets that can be fetched by name: their published addresses, and sizes and SHA-256 sums as TensorFlow
 * Datasets publishes them (tensorflow_datasets/url_checksums).
 */

export interface PublishedFile {
  /** Behind the address of the set. */
  name: string;
  bytes: number;
  sha256: string;
  /** What is taken out of an archive; a file without entries is kept as it is. */
  entries?: readonly ArchiveEntry[];
}

export interface ArchiveEntry {
  /** In the archive and in the folder, with forward slashes. */
  path: string;
  bytes: number;
}

export interface PublishedSet {
  name: string;
  /** For people. */
  title: string;
  /** Where the files lie; a mirror has the same files at another address. */
  address: string;
  files: readonly PublishedFile[];
  /** The folder of the package's assets that has its `classes.txt`, for formats without names; null for none. */
  classesOf: string | null;
}

const cifarRecords = (labelBytes: number, count: number) => count * (labelBytes + 3 * 32 * 32);

export const publishedSets: readonly PublishedSet[] = [
  {
    name: 'mnist',
    title: 'MNIST, 28×28 grey digits, 60 000 + 10 000',
    address: 'https://storage.googleapis.com/cvdf-datasets/mnist/',
    files: [
      {
        name: 'train-images-idx3-ubyte.gz',
        bytes: 9_912_422,
        sha256: '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
      },
      {
        name: 'train-labels-idx1-ubyte.gz',
        bytes: 28_881,
        sha256: '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
      },
      {
        name: 't10k-images-idx3-ubyte.gz',
        bytes: 1_648_877,
        sha256: '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
      },
      {
        name: 't10k-labels-idx1-ubyte.gz',
        bytes: 4_542,
        sha256: 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
      },
    ],
    classesOf: null,
  },
  {
    name: 'fashion-mnist',
    title: 'Fashion-MNIST, 28×28 grey articles of clothing, 60 000 + 10 000',
    // The data folder of the authors' repository: their other address has no https.
    address: 'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
    files: [
      {
        name: 'train-images-idx3-ubyte.gz',
        bytes: 26_421_880,
        sha256: '3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84',
      },
      {
        name: 'train-labels-idx1-ubyte.gz',
        bytes: 29_515,
        sha256: 'a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845',
      },
      {
        name: 't10k-images-idx3-ubyte.gz',
        bytes: 4_422_102,
        sha256: '346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073',
      },
      {
        name: 't10k-labels-idx1-ubyte.gz',
        bytes: 5_148,
        sha256: '67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5',
      },
    ],
    classesOf: 'fashion-mnist',
  },
  {
    name: 'cifar10',
    title: 'CIFAR-10, 32×32 colour, 50 000 + 10 000',
    address: 'https://www.cs.toronto.edu/~kriz/',
    files: [
      {
        name: 'cifar-10-binary.tar.gz',
        bytes: 170_052_171,
        sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
        entries: [
          'data_batch_1',
          'data_batch_2',
          'data_batch_3',
          'data_batch_4',
          'data_batch_5',
          'test_batch',
        ].map((name) => ({ path: `cifar-10-batches-bin/${name}.bin`, bytes: cifarRecords(1, 10_000) })),
      },
    ],
    classesOf: null,
  },
  {
    name: 'cifar100',
    title: 'CIFAR-100, 32×32 colour, 50 000 + 10 000, 100 fine classes',
    address: 'https://www.cs.toronto.edu/~kriz/',
    files: [
      {
        name: 'cifar-100-binary.tar.gz',
        bytes: 168_513_733,
        sha256: '58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec',
        entries: [
          { path: 'cifar-100-binary/train.bin', bytes: cifarRecords(2, 50_000) },
          { path: 'cifar-100-binary/test.bin', bytes: cifarRecords(2, 10_000) },
        ],
      },
    ],
    classesOf: null,
  },
];
