/** Tells model files apart by their first bytes, whatever their names claim. */
import { closeSync, openSync, readSync } from 'node:fs';
import { SelfgradError } from './errors.ts';

type FileFormat = 'safetensors' | 'zip' | 'pickle';

const formats: readonly { format: FileFormat; what: string; holds: (head: Buffer) => boolean }[] = [
  {
    format: 'zip',
    what: 'a zip archive, as PyTorch writes',
    holds: (head) => head.toString('latin1', 0, 4) === 'PK\x03\x04',
  },
  {
    format: 'pickle',
    what: 'a Python pickle',
    holds: (head) => head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5,
  },
  {
    format: 'safetensors',
    what: 'safetensors',
    holds: (head) => head.readUInt32LE(4) === 0 && head[8] === 0x7b,
  },
];

const fixes: Record<'safetensors' | 'zip', Record<FileFormat, string>> = {
  safetensors: {
    zip: 'Load TorchScript by the name model.pt or with loadTorchScript; write a state_dict with safetensors.torch.save_file.',
    pickle: 'Write the state_dict with safetensors.torch.save_file.',
    safetensors: '',
  },
  zip: {
    safetensors: 'Give it the ending .safetensors and load it with loadModel.',
    pickle: 'Write it with torch.jit.trace(model.eval(), example).save(path).',
    zip: '',
  },
};

/**
 * Refuses a file that is of another known format than `expected`; one that is unknown or missing is left to its reader.
 *
 * @throws SelfgradError `ERR_CHECKPOINT`
 */
export function checkFormat(path: string, expected: 'safetensors' | 'zip'): void {
  const head = Buffer.alloc(16);
  try {
    const file = openSync(path, 'r');
    try {
      readSync(file, head);
    } finally {
      closeSync(file);
    }
  } catch {
    return;
  }
  const found = formats.find(({ holds }) => holds(head));
  if (found === undefined || found.format === expected) return;
  const wanted = formats.find(({ format }) => format === expected)!;
  throw new SelfgradError(
    'ERR_CHECKPOINT',
    `Expected ${wanted.what} in ${path} but received ${found.what}.`,
    {
      fix: fixes[expected][found.format],
    },
  );
}
