/**
 * The header of NumPy's `.npy` format, versions 1 to 3: a magic number and a Python dictionary of type, order and
 * shape. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { SelfgradError } from '../errors.ts';
import type { ByteReader } from './byteReader.ts';
import { elementType } from './elementType.ts';
import type { TensorFacts } from './tensor.ts';

/** As NumPy itself: a longer header is not needed for numbers, and parsing it could be an attack. */
const maxHeaderBytes = 10_000;

/** Reads the header and checks that the data behind it have the size that it promises. Errors: `ERR_DATA`. */
export async function readNpyHeader(reader: ByteReader): Promise<TensorFacts> {
  const magic = Buffer.from(await reader.read(8, 'magic number'));
  const version = magic[6] ?? 0;
  if (magic.toString('latin1', 0, 6) !== '\x93NUMPY' || version < 1 || version > 3 || magic[7] !== 0) {
    throw wrong(reader, 'the magic number 934e554d5059 and version 1.0, 2.0 or 3.0', magic.toString('hex'));
  }
  const lengthBytes = Buffer.from(await reader.read(version === 1 ? 2 : 4, 'header length'));
  const length = lengthBytes.readUIntLE(0, lengthBytes.length);
  if (length > maxHeaderBytes)
    throw wrong(reader, `a header of at most ${maxHeaderBytes} bytes`, `${length}`);
  const header = Buffer.from(await reader.read(length, 'header')).toString('latin1');
  const { descr, order, shape } = parseHeader(header) ?? {};
  if (descr === undefined || order === undefined || shape === undefined) {
    throw wrong(reader, 'a dictionary of descr, fortran_order and shape', JSON.stringify(header.trim()));
  }
  const [, endian, kind = '', size = ''] = /^([<>|=])([uif])([1248])$/.exec(descr) ?? [];
  const type = elementType(kind, Number(size), endian !== '>');
  if (type === null) throw wrong(reader, 'integers or floats', `the type ${descr}`);
  if (order === 'True') {
    throw wrong(reader, 'C order', 'Fortran order', 'Save numpy.ascontiguousarray(array).');
  }
  const bytes = shape.reduce((product, length) => product * length, type.bytes);
  if (!shape.every(Number.isSafeInteger) || !Number.isSafeInteger(bytes)) {
    throw wrong(reader, 'a shape of less than 2^53 bytes', `(${shape.join(', ')})`);
  }
  reader.checkClaim(reader.offset + bytes, `a header and an array of ${shape.join('×')}`);
  return { type, shape };
}

interface Header {
  descr: string;
  order: string;
  shape: number[];
}

/** Null for anything but a dictionary with exactly the three keys. */
function parseHeader(text: string): Header | null {
  let rest = text.trim();
  if (!rest.startsWith('{') || !rest.endsWith('}')) return null;
  rest = rest.slice(1, -1).trim();
  const values = new Map<string, string>();
  const entry =
    /^(?:'(descr)' *: *'([^']*)'|'(fortran_order)' *: *(True|False)|'(shape)' *: *\(([\d, ]*)\)) *(?:, *|$)/;
  while (rest !== '') {
    const found = entry.exec(rest);
    if (!found) return null;
    const key = found[1] ?? found[3] ?? found[5] ?? '';
    if (values.has(key)) return null;
    values.set(key, found[2] ?? found[4] ?? found[6] ?? '');
    rest = rest.slice(found[0].length);
  }
  const descr = values.get('descr');
  const order = values.get('fortran_order');
  const lengths = values.get('shape');
  if (descr === undefined || order === undefined || lengths === undefined) return null;
  const parts = lengths.split(',').map((part) => part.trim());
  // `(3,)` and `(3, 4, )` end in a comma; `()` is a single number.
  if (parts.at(-1) === '') parts.pop();
  return parts.every((part) => /^\d+$/.test(part)) ? { descr, order, shape: parts.map(Number) } : null;
}

function wrong({ path }: ByteReader, expected: string, received: string, fix?: string): SelfgradError {
  return new SelfgradError(
    'ERR_DATA',
    `Expected ${expected} in the header of ${path} but received ${received}.`,
    {
      fix: fix ?? 'Check that the file is a whole .npy array of numbers.',
    },
  );
}
