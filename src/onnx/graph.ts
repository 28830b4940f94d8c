/** A network's layers as nodes of an ONNX graph, from `images` to `logits`. */
import type { NativeLayer, NativeModelOptions, NativeTensor } from '../native/binding.ts';
import { attribute, type ModelProto, type Node, tensor, valueInfo } from './messages.ts';

type Graph = ModelProto['graph'];

/** Collects the nodes of one layer after the other. */
class GraphBuilder {
  readonly nodes: Node[] = [];
  readonly constants: ReturnType<typeof tensor>[] = [];

  /** Appends a node and returns the name of its output, which is the node's too. */
  node(opType: string, input: string[], output: string, attributes: ReturnType<typeof attribute>[] = []) {
    this.nodes.push({ opType, input, output: [output], name: output, attribute: attributes });
    return output;
  }

  constant(name: string, { shape, values }: NativeTensor): string {
    this.constants.push(tensor(name, shape, values));
    return name;
  }

  /** Weight and bias of the layer called `name`. */
  parameters(name: string, { weight, bias }: { weight: NativeTensor; bias: NativeTensor }): string[] {
    return [this.constant(`${name}.weight`, weight), this.constant(`${name}.bias`, bias)];
  }

  /** Appends what computes `output` from the values `x` and, of `add`, `other`. */
  layer(layer: Exclude<NativeLayer, { kind: 'input' }>, x: string, other: string, output: string): void {
    switch (layer.kind) {
      case 'conv': {
        const { stride, padding, groups } = layer;
        this.node('Conv', [x, ...this.parameters(output, layer)], output, [
          attribute('strides', { ints: [stride, stride] }),
          attribute('pads', { ints: [padding, padding, padding, padding] }),
          ...(groups > 1 ? [attribute('group', { i: groups })] : []),
        ]);
        return;
      }
      case 'scale': {
        // As BatchNormalization, which runtimes know how to merge into a convolution before it.
        const { shape, values } = layer.weight;
        const mean = this.constant(`${output}.mean`, { shape, values: new Float32Array(values.length) });
        const variance = this.constant(`${output}.var`, {
          shape,
          values: new Float32Array(values.length).fill(1),
        });
        this.node('BatchNormalization', [x, ...this.parameters(output, layer), mean, variance], output, [
          attribute('epsilon', { f: 0 }),
        ]);
        return;
      }
      case 'linear': {
        const flat = this.node('Flatten', [x], `${output}.flat`);
        this.node('Gemm', [flat, ...this.parameters(output, layer)], output, [attribute('transB', { i: 1 })]);
        return;
      }
      case 'relu':
        this.node('Relu', [x], output);
        return;
      case 'silu':
        this.node('Mul', [x, this.node('Sigmoid', [x], `${output}.sigmoid`)], output);
        return;
      case 'add':
        this.node('Add', [x, other], output);
        return;
      case 'max-pool':
      case 'average-pool': {
        const { kernel, stride, padding } = layer;
        const average = layer.kind === 'average-pool';
        this.node(average ? 'AveragePool' : 'MaxPool', [x], output, [
          attribute('kernel_shape', { ints: [kernel, kernel] }),
          attribute('strides', { ints: [stride, stride] }),
          attribute('pads', { ints: [padding, padding, padding, padding] }),
          ...(average ? [attribute('count_include_pad', { i: 1 })] : []),
        ]);
        return;
      }
      case 'mean':
        this.node('Flatten', [this.node('GlobalAveragePool', [x], `${output}.pool`)], output);
    }
  }
}

/** The graph of a network: `images` (N, C, H, W) float32 in [0, 1] to `logits` (N, classes), N free. */
export function onnxGraph(layers: readonly NativeLayer[], options: NativeModelOptions): Graph {
  const { architecture, channels, height, width, classes } = options;
  const builder = new GraphBuilder();
  const last = layers.length - 1;
  const nameOf = (place: number) =>
    place === 0 ? 'images' : place === last ? 'logits' : `${layers[place]!.kind}${place}`;
  for (const [place, layer] of layers.entries()) {
    if (layer.kind === 'input') continue;
    const other = layer.kind === 'add' ? nameOf(layer.other) : '';
    builder.layer(layer, nameOf(layer.input), other, nameOf(place));
  }
  return {
    name: architecture,
    node: builder.nodes,
    initializer: builder.constants,
    input: [valueInfo('images', ['N', channels, height, width])],
    output: [valueInfo('logits', ['N', classes])],
  };
}
