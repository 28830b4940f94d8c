/** The number types of array files (NumPy, safetensors), and their bytes as numbers. */

export interface ElementType {
  /** Unsigned, signed, floating point. */
  kind: 'u' | 'i' | 'f';
  /** 1, 2, 4 or 8; floats have 2 or more. */
  bytes: number;
  littleEndian: boolean;
}

type Read = (view: DataView, offset: number, littleEndian: boolean) => number;

const readers: Record<string, Read> = {
  u1: (view, at) => view.getUint8(at),
  i1: (view, at) => view.getInt8(at),
  u2: (view, at, little) => view.getUint16(at, little),
  i2: (view, at, little) => view.getInt16(at, little),
  u4: (view, at, little) => view.getUint32(at, little),
  i4: (view, at, little) => view.getInt32(at, little),
  u8: (view, at, little) => Number(view.getBigUint64(at, little)),
  i8: (view, at, little) => Number(view.getBigInt64(at, little)),
  f2: (view, at, little) => halfToNumber(view.getUint16(at, little)),
  f4: (view, at, little) => view.getFloat32(at, little),
  f8: (view, at, little) => view.getFloat64(at, little),
};

/** Null for a type that is none of ours. */
export function elementType(kind: string, bytes: number, littleEndian: boolean): ElementType | null {
  return `${kind}${bytes}` in readers ? { kind: kind as ElementType['kind'], bytes, littleEndian } : null;
}

/** Integers of 64 bits beyond 2^53 are rounded. */
export function decodeElements(bytes: Uint8Array, type: ElementType): Float64Array {
  const read = readers[type.kind + type.bytes] as Read;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = new Float64Array(Math.floor(bytes.length / type.bytes));
  for (let i = 0; i < numbers.length; i++) numbers[i] = read(view, i * type.bytes, type.littleEndian);
  return numbers;
}

/** `uint8`, `float32` */
export function describeType({ kind, bytes }: ElementType): string {
  return `${{ u: 'uint', i: 'int', f: 'float' }[kind]}${8 * bytes}`;
}

/** IEEE 754 binary16. */
function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
