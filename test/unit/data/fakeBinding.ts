/** Stands in for the native data set where a test is about what TypeScript hands over. */
import type { NativeDataset, NativeDatasetOptions } from '../../../src/native/binding.ts';

export class FakeNativeDataset {
  static made: FakeNativeDataset[] = [];
  readonly options: NativeDatasetOptions;
  images: number[] = [];
  labels: number[] = [];
  disposed = false;

  constructor(options: NativeDatasetOptions) {
    this.options = options;
    FakeNativeDataset.made.push(this);
  }

  append(batch: Parameters<NativeDataset['append']>[0]): void {
    this.images.push(...batch.images);
    this.labels.push(...batch.labels);
  }

  statistics(): { mean: number[]; std: number[] } {
    return { mean: [0.25], std: [0.5] };
  }

  dispose(): void {
    this.disposed = true;
  }
}
