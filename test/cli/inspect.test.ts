/** `inspect` of what no run made: the network of a configuration, and files that hold none. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { selfgrad, temporaryFolder } from './selfgrad.ts';

describe('inspect', () => {
  it('shows the network of a configuration, for its data or for images of any shape', async () => {
    const list = [
      'model.architecture=layers',
      'model.layers=[{ name: conv, channels: 8, stride: 2 }, max-pool, { name: tap, place: middle }, linear]',
    ];
    const { status, stdout, stderr } = await selfgrad(['inspect', ...list]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatchInlineSnapshot(`
      "layers for images of 1×28×28
      4 layers, 4 002 parameters, 18 032 multiply-adds an image
        layer     kind      output   parameters  multiply-adds
        layers.0  conv      8×14×14          72         14 112
        layers.1  max-pool  8×7×7
        layers.2  tap       8×7×7
        layers.3  linear    10            3 930          3 920
      "
    `);
    const other = await selfgrad(['inspect', ...list, '--images', '3x32x32', '--classes', '2', '--json']);
    expect(JSON.parse(other.stdout)).toMatchObject({ schema: 'selfgrad.network/1', parameters: 216 + 1026 });
    const small = await selfgrad(['inspect', ...list, '--images', '3x2x2', '--classes', '2']);
    expect(small).toEqual({
      status: 2,
      stdout: '',
      stderr:
        'ERR_OPTION  Expected a side of at least 2 pixels with padding for model.layers[1] (max-pool) but received 8x1x1. Use a smaller kernel, fewer strides before it, or larger images.\n',
    });
    const half = await selfgrad(['inspect', ...list, '--classes', '2']);
    expect(half).toMatchObject({
      status: 2,
      stderr:
        'ERR_OPTION  Expected both --images and --classes but received one of them. Give both, or neither to take them from the data.\n',
    });
  });

  it('prints what docs/models.md shows', async () => {
    const page = readFileSync(new URL('../../docs/models.md', import.meta.url), 'utf8');
    const [, command, shown] = /^npx selfgrad (inspect .*)\n```\n```text\n(.*?)```$/ms.exec(page)!;
    expect((await selfgrad(command!.split(' '))).stdout).toBe(shown);
  });

  it('says why no network can be made of a file, and shows the rest', async () => {
    const path = join(temporaryFolder(), 'strange.safetensors');
    const header = JSON.stringify({
      __metadata__: { 'model.architecture': 'layers', 'selfgrad.format': '1' },
      x: { dtype: 'U8', shape: [1], data_offsets: [0, 1] },
    });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(path, Buffer.concat([length, Buffer.from(header), Buffer.from([0])]));
    const { status, stdout } = await selfgrad(['inspect', path]);
    expect(status).toBe(0);
    expect(stdout).toContain(
      `no network: Expected model.channels in the metadata of ${path} but found nothing. Use a model or checkpoint file that selfgrad wrote.`,
    );
    expect(stdout).toContain('1 tensors, 1 values');
  });
});
