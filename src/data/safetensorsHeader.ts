/** The header of a safetensors file, checked like the reference does: no gap, no overlap, nothing behind the last tensor. */
import { SelfgradError } from '../errors.ts';
import type { ByteReader } from './byteReader.ts';
import { type ElementType, elementType } from './elementType.ts';
import type { TensorFacts } from './tensor.ts';

export interface TensorPlace extends TensorFacts {
  /** Offset in the file. */
  start: number;
}

/** A data set has a few tensors; parsing a long text could be an attack. */
const maxHeaderBytes = 1 << 20;

/**
 * The tensors of unsigned or signed integers and of floats by name; other types are passed over.
 * @param reader at offset 0 of a file. Errors: `ERR_DATA`.
 */
export async function parseSafetensorsHeader(reader: ByteReader): Promise<Map<string, TensorPlace>> {
  const { path } = reader;
  const length = Number(Buffer.from(await reader.read(8, 'header length')).readBigUInt64LE());
  if (length > Math.min(maxHeaderBytes, reader.size - 8)) {
    throw wrong(path, `a header of at most ${Math.min(maxHeaderBytes, reader.size - 8)} bytes`, `${length}`);
  }
  const text = Buffer.from(await reader.read(length, 'header')).toString('utf8');
  const entries = Object.entries(parseObject(text, path)).filter(([name]) => name !== '__metadata__');
  const tensors = entries.map(([name, value]) => ({ name, ...readEntry(name, value, path) }));
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let offset = 0;
  for (const { name, begin, end } of tensors) {
    if (begin !== offset)
      throw wrong(path, `${name} to begin at ${offset}, where the one before ends`, `${begin}`);
    offset = end;
  }
  const held = reader.size - 8 - length;
  if (offset !== held) throw wrong(path, `tensors of ${held} bytes, as many as the file holds`, `${offset}`);
  const places = new Map<string, TensorPlace>();
  for (const { name, type, shape, begin } of tensors) {
    if (type) places.set(name, { type, shape, start: 8 + length + begin });
  }
  return places;
}

interface Entry {
  /** Null for one that is neither integer nor float of ours. */
  type: ElementType | null;
  shape: number[];
  begin: number;
  end: number;
}

function readEntry(name: string, value: unknown, path: string): Entry {
  const { dtype, shape, data_offsets: offsets } = Object(value) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !isNaturals(shape) || !isNaturals(offsets) || offsets.length !== 2) {
    throw wrong(path, `dtype, shape and data_offsets for ${name}`, JSON.stringify(value).slice(0, 200));
  }
  const [begin = 0, end = 0] = offsets;
  const [, kind = '', bits = ''] = /^([UIF])(8|16|32|64)$/.exec(dtype) ?? [];
  const type = elementType(kind.toLowerCase(), Number(bits) / 8, true);
  const bytes = shape.reduce((product, length) => product * length, type?.bytes ?? 1);
  if (end < begin || (type && end - begin !== bytes)) {
    throw wrong(path, `${bytes} bytes for ${name} (${dtype} of ${shape.join('×')})`, `${begin} … ${end}`);
  }
  return { type, shape, begin, end };
}

function parseObject(text: string, path: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
    return parsed as Record<string, unknown>;
  }
  throw wrong(path, 'a JSON object', JSON.stringify(text.slice(0, 40)));
}

function isNaturals(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function wrong(path: string, expected: string, received: string): SelfgradError {
  return new SelfgradError(
    'ERR_DATA',
    `Expected ${expected} in the header of ${path} but received ${received}.`,
    { fix: 'Check that the file is a whole safetensors file.' },
  );
}
