/**
 * Unpacks a raw Snappy block: literals and copies of what came before, never beyond the size that is asked for.
 * https://github.com/google/snappy/blob/main/format_description.txt
 */

/** Throws for damage and for a block of another size. */
export function unsnap(bytes: Uint8Array, size: number): Uint8Array {
  const output = new Uint8Array(size);
  let at = 0;
  let filled = 0;
  const next = () => {
    const byte = bytes[at++];
    if (byte === undefined) throw new Error('a Snappy block that ends early');
    return byte;
  };
  const number = (length: number) => {
    let value = 0;
    for (let i = 0; i < length; i++) value += next() * 2 ** (8 * i);
    return value;
  };
  // The size once more, as a varint.
  while (next() >= 0x80);
  while (at < bytes.length) {
    const tag = next();
    if ((tag & 3) === 0) {
      const short = tag >> 2;
      const length = (short < 60 ? short : number(short - 59)) + 1;
      if (length > bytes.length - at || length > size - filled) throw new Error('a Snappy literal too long');
      output.set(bytes.subarray(at, at + length), filled);
      at += length;
      filled += length;
      continue;
    }
    const length = (tag & 3) === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const offset = (tag & 3) === 1 ? (tag >> 5) * 256 + next() : number((tag & 3) === 2 ? 2 : 4);
    if (offset === 0 || offset > filled || length > size - filled)
      throw new Error('a Snappy copy out of range');
    if (offset >= length) output.copyWithin(filled, filled - offset, filled - offset + length);
    // What is copied may overlap what is written: then it repeats.
    else for (let i = filled; i < filled + length; i++) output[i] = output[i - offset] as number;
    filled += length;
  }
  if (filled !== size) throw new Error(`a Snappy block of ${filled} bytes instead of ${size}`);
  return output;
}
