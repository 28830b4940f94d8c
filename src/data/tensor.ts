/** A named array of numbers in a file, read front to back: what the array formats have in common. */
import type { ByteReader } from './byteReader.ts';
import type { ElementType } from './elementType.ts';

export interface TensorFacts {
  type: ElementType;
  /** Outermost dimension first, C order. */
  shape: number[];
}

export interface OpenTensor extends TensorFacts {
  /** Stands at the first element. */
  reader: ByteReader;
  /** Fails if the tensor is not read to its end or damaged, where the format can tell. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** A file or folder of tensors. */
export interface TensorFile {
  /** For messages. */
  path: string;
  names: readonly string[];
  /** @param name one of `names`. Errors: `ERR_DATA`. */
  open(name: string): Promise<OpenTensor>;
}
