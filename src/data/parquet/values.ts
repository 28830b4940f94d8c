/**
 * The values of one Parquet page, of columns that do not repeat: plain or by dictionary, with the levels that tell
 * the missing ones. https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */

/** Bytes of an image, an integer, or null where there is none. */
export type ParquetValue = Uint8Array | number | null;

export type ParquetType = 'BYTE_ARRAY' | 'INT32' | 'INT64';

/** `count` values one after the other; throws where they go beyond `bytes`. */
export function plainValues(
  bytes: Uint8Array,
  start: number,
  type: ParquetType,
  count: number,
): (Uint8Array | number)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: (Uint8Array | number)[] = [];
  for (let at = start, i = 0; i < count; i++) {
    if (type === 'BYTE_ARRAY') {
      const end = at + 4 + view.getUint32(at, true);
      if (end > bytes.length) throw new Error('a value beyond its page');
      values.push(bytes.subarray(at + 4, end));
      at = end;
    } else if (type === 'INT32') {
      values.push(view.getInt32(at, true));
      at += 4;
    } else {
      values.push(Number(view.getBigInt64(at, true)));
      at += 8;
    }
  }
  return values;
}

/** `count` integers of `width` bits in runs: repeated ones, and groups of eight packed from the lowest bit on. */
export function runs(bytes: Uint8Array, width: number, count: number): Int32Array {
  if (width > 32) throw new Error(`integers of ${width} bits`);
  const values = new Int32Array(count);
  let at = 0;
  const next = () => {
    const byte = bytes[at++];
    if (byte === undefined) throw new Error('a run beyond its page');
    return byte;
  };
  for (let filled = 0; filled < count; ) {
    let head = 0;
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
      if (shift > 28) throw new Error('a run of too many values');
      byte = next();
      head += (byte & 0x7f) * 2 ** shift;
    }
    const length = Math.floor(head / 2);
    if (length === 0) throw new Error('a run of no values');
    if (head % 2 === 0) {
      let value = 0;
      for (let i = 0; i < Math.ceil(width / 8); i++) value += next() * 2 ** (8 * i);
      const end = Math.min(count, filled + length);
      values.fill(value, filled, end);
      filled = end;
      continue;
    }
    const end = Math.min(count, filled + 8 * length);
    let [held, bits] = [0, 0];
    const groupsEnd = at + length * width;
    for (; filled < end; filled++) {
      for (; bits < width; bits += 8) held += next() * 2 ** bits;
      values[filled] = held % 2 ** width;
      held = Math.floor(held / 2 ** width);
      bits -= width;
    }
    at = groupsEnd;
  }
  return values;
}
