/** Model files that PyTorch reads: here its logits, from reference/make_pytorch_logits.py, are ours. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadModel } from '../../src/index.ts';

const reference = (name: string) => fileURLToPath(new URL(`reference/${name}`, import.meta.url));
const logits: Record<string, number[]> = JSON.parse(readFileSync(reference('pytorch_logits.json'), 'utf8'));
const pixels = Float32Array.from({ length: 5 * 2 * 9 * 7 }, (_, i) => ((i * 6151) % 256) / 255);

it.each(Object.entries(logits))(
  '%s: the logits that PyTorch computes, within 1e-5',
  async (name, expected) => {
    using model = await loadModel(reference(`${name}.safetensors`));
    const { logits: ours } = await model.predict(pixels, { threads: 1 });
    expect(ours).toHaveLength(expected.length);
    for (const [i, value] of ours.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5);
  },
);
