/** Writes a network as ONNX, for runtimes other than LibTorch: onnxruntime in Node, browsers, phones, C++. */
import { versions } from './machine.ts';
import type { Model } from './model.ts';
import { onnxGraph } from './onnx/graph.ts';
import { encodeModel } from './onnx/messages.ts';
import { writeAtomic } from './report/writeAtomic.ts';

/** Opset 17 is of 2022: every runtime of today reads it. IR version 8 came with it. */
const opset = 17;
const irVersion = 8;

/** What is stored beside the graph, as strings: what the network was trained for, and what wrote the file. */
function metadataOf(model: Model): Record<string, string> {
  const { run: _, ...known } = model.metadata;
  const { selfgrad, libtorch } = versions();
  return {
    ...known,
    'data.classes': JSON.stringify(model.classes),
    architecture: model.networkOptions.architecture,
    images: 'N,C,H,W float32 in [0, 1]; normalisation is part of the graph',
    'selfgrad.version': selfgrad,
    'libtorch.version': libtorch,
  };
}

/**
 * Writes a model as an ONNX file, whole or not at all. Its input `images` takes N·C·H·W pixels in [0, 1], its output
 * `logits` gives N·classes values; N is free. Normalisation is part of the graph, BatchNorm stands as one scale and
 * shift per channel, and taps are gone. Names of the classes, threat model, data and versions are metadata.
 *
 * @throws SelfgradError `ERR_WRITE`; `ERR_OPTION` for a model that is disposed of or in training
 */
export async function exportOnnx(model: Model, path: string): Promise<void> {
  const bytes = encodeModel({
    irVersion,
    producerName: 'selfgrad',
    producerVersion: versions().selfgrad,
    graph: onnxGraph(model.native.layers(), model.networkOptions),
    opsetImport: [{ domain: '', version: opset }],
    metadataProps: Object.entries(metadataOf(model)).map(([key, value]) => ({ key, value })),
  });
  await writeAtomic(path, bytes);
}
