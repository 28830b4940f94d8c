/** The compressions of Parquet pages, none of which unpacks to more than its header says. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { Decompress } from 'fzstd';
import { unsnap } from './snappy.ts';

const decompressors: Record<string, (bytes: Uint8Array, size: number) => Uint8Array> = {
  UNCOMPRESSED: (bytes) => bytes,
  SNAPPY: unsnap,
  GZIP: (bytes, size) => gunzipSync(bytes, { maxOutputLength: Math.max(1, size) }),
  BROTLI: (bytes, size) => brotliDecompressSync(bytes, { maxOutputLength: Math.max(1, size) }),
  ZSTD: unzstd,
};

/** @param size of the result. Throws for another size, damage, or a codec that is none of ours. */
export function decompressPage(bytes: Uint8Array, codec: string, size: number): Uint8Array {
  const decompress = decompressors[codec];
  if (!decompress) throw new Error(`pages compressed by ${codec}`);
  const page = decompress(bytes, size);
  if (page.length !== size) throw new Error(`a page of ${page.length} bytes instead of ${size}`);
  return page;
}

/** Block by block: the frame's own claim of its size is not believed. */
function unzstd(bytes: Uint8Array, size: number): Uint8Array {
  const page = new Uint8Array(size);
  let filled = 0;
  const stream = new Decompress((block) => {
    page.set(block, filled);
    filled += block.length;
  });
  stream.push(bytes, true);
  return page.subarray(0, filled);
}
