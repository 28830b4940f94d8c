/**
 * Walks a struct of Thrift's compact protocol without keeping anything of it: Parquet's footer and page headers are
 * parsed only after every length in them is known to lie within their bytes.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */

const fieldType = {
  stop: 0,
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  struct: 12,
} as const;

/** Parquet's own structs nest six deep. */
const maxDepth = 24;

class Walk {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const value = this.#bytes[this.at++];
    if (value === undefined) throw new Error('a header that ends early');
    return value;
  }

  /** A length: at most five bytes, and never beyond the end. */
  length(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value <= this.#bytes.length - this.at) return value;
        break;
      }
    }
    throw new Error('a length beyond the header');
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  varint(): void {
    for (let i = 0; i < 10; i++) if (this.byte() < 0x80) return;
    throw new Error('a number of more than 64 bits');
  }

  element(type: number, depth: number, inList: boolean): void {
    switch (type) {
      case fieldType.true:
      case fieldType.false:
        // A flag that is a field lies in the field's own byte.
        if (inList) this.byte();
        return;
      case fieldType.byte:
        this.byte();
        return;
      case fieldType.i16:
      case fieldType.i32:
      case fieldType.i64:
        this.varint();
        return;
      case fieldType.double:
        this.skip(8);
        return;
      case fieldType.binary:
        this.skip(this.length());
        return;
      case fieldType.list:
        this.list(depth);
        return;
      case fieldType.struct:
        this.struct(depth + 1);
        return;
      default:
        throw new Error(`a field of the unknown type ${type}`);
    }
  }

  list(depth: number): void {
    if (depth > maxDepth) throw new Error('lists that nest too deep');
    const head = this.byte();
    const size = head >> 4 === 15 ? this.length() : head >> 4;
    for (let i = 0; i < size; i++) this.element(head & 15, depth + 1, true);
  }

  struct(depth: number): void {
    if (depth > maxDepth) throw new Error('structs that nest too deep');
    for (;;) {
      const head = this.byte();
      if ((head & 15) === fieldType.stop) return;
      if (head >> 4 === 0) this.varint();
      this.element(head & 15, depth, false);
    }
  }
}

/** The offset behind the struct that begins at `start`. Throws where it claims more than `bytes` holds. */
export function structEnd(bytes: Uint8Array, start = 0): number {
  const walk = new Walk(bytes, start);
  walk.struct(0);
  return walk.at;
}
