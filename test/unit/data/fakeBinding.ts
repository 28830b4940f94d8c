/** Stands in for the native data set where a test is about what TypeScript hands over. */
import type { NativeDataset, NativeDatasetOptions } from '../../../src/native/binding.ts';

export class FakeNativeDataset {
  static made: FakeNativeDataset[] = [];
  readonly options: NativeDatasetOptions;
  pixels: number[] = [];
  labels: number[] = [];
  disposed = false;

  constructor(options: NativeDatasetOptions) {
    this.options = options;
    FakeNativeDataset.made.push(this);
  }

  append(batch: Parameters<NativeDataset['append']>[0]): void {
    this.pixels.push(...batch.images);
    this.labels.push(...batch.labels);
  }

  images({ indices }: { indices: Int32Array }): { images: Uint8Array; labels: Int32Array } {
    const size = this.pixels.length / this.labels.length;
    const of = (index: number) => this.pixels.slice(index * size, (index + 1) * size);
    return {
      images: Uint8Array.from([...indices].flatMap(of)),
      labels: indices.map((index) => this.labels[index] as number),
    };
  }

  statistics(): { mean: number[]; std: number[] } {
    return { mean: [0.25], std: [0.5] };
  }

  dispose(): void {
    this.disposed = true;
  }
}
