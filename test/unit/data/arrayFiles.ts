/** Files of arrays that the tests write themselves: `.npy`, `.npz`, safetensors. */
import fc from 'fast-check';
import { makeZip } from '../native/zip.ts';

/** Encodes a `.npy` file, version 1, as NumPy does. */
export function npyBytes(descr: string, shape: number[], content: Uint8Array, order = 'False'): Buffer {
  const lengths = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  return npyWith(`{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${lengths}), }`, content);
}

/** The same with a header of one's own. */
export function npyWith(header: string, content: Uint8Array, version = 1): Buffer {
  const sizeBytes = version === 1 ? 2 : 4;
  const padded = `${header}${' '.repeat(63 - ((8 + sizeBytes + header.length) % 64))}\n`;
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), version, 0, ...Array(sizeBytes).fill(0)]);
  start.writeUIntLE(padded.length, 8, sizeBytes);
  return Buffer.concat([start, Buffer.from(padded, 'latin1'), content]);
}

/** Bytes of little-endian numbers of NumPy's type `descr`. */
export function numbers(descr: string, values: number[]): Uint8Array {
  const arrays = {
    '|u1': Uint8Array,
    '|i1': Int8Array,
    '<u2': Uint16Array,
    '<i2': Int16Array,
    '<u4': Uint32Array,
    '<i4': Int32Array,
    '<f4': Float32Array,
    '<f8': Float64Array,
  } as const;
  if (descr === '<i8') return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  if (descr === '<u8') return new Uint8Array(BigUint64Array.from(values, BigInt).buffer);
  return new Uint8Array(arrays[descr as keyof typeof arrays].from(values).buffer);
}

export const npy = (descr: string, shape: number[], values: number[]) =>
  npyBytes(descr, shape, numbers(descr, values));

/** Encodes a zip archive; entries deflated or stored. */
export function zipBytes(
  entries: readonly (readonly [name: string, content: Buffer])[],
  deflate = true,
): Buffer {
  return makeZip(
    entries.map(([name, data]) => ({ name, data })),
    deflate,
  );
}

/** Encodes a safetensors file with a header of one's own. */
export function safetensorsWith(header: string, content: Uint8Array): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return Buffer.concat([length, Buffer.from(header), content]);
}

/** Encodes a safetensors file; `bytes` in order, types by safetensors' names. */
export function safetensorsBytes(
  tensors: Record<string, { dtype: string; shape: number[]; bytes: Uint8Array }>,
): Buffer {
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  return safetensorsWith(
    JSON.stringify(header),
    Buffer.concat(Object.values(tensors).map(({ bytes }) => bytes)),
  );
}

/** A file with up to `maxFlips` bits flipped and, in half of the cases, its end cut off. */
export function damaged(whole: Buffer, maxFlips = 3): fc.Arbitrary<Buffer> {
  const damage = fc.record({
    keep: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.boolean(),
    flips: fc.array(fc.nat(8 * whole.length - 1), { maxLength: maxFlips }),
  });
  return damage.map(({ keep, cut, flips }) => {
    const bytes = Buffer.from(whole);
    for (const flip of flips) bytes[flip >> 3]! ^= 1 << (flip & 7);
    return cut ? bytes.subarray(0, Math.floor(keep * bytes.length)) : bytes;
  });
}
