/**
 * On a machine with a GPU, one command: builds addon and CUDA plug-in, compares CPU and GPU, and measures.
 *   node test/gpu/run.mjs [--no-benchmark]
 * Without a usable GPU it says "no GPU", and why, and exits with 4.
 */
import { buildNative } from '../../scripts/build.mjs';
import { isMain, run, runPackageScript } from '../../scripts/command.mjs';
import { runMain, step } from '../../scripts/console.mjs';
import { installCuda } from '../../scripts/cuda.mjs';
import { setup } from '../../scripts/setup.mjs';

if (isMain(import.meta.url)) {
  await runMain(async () => {
    await setup();
    await step('addon', buildNative);
    await step('cuda', installCuda);
    const { chooseDevice } = await import('../../dist/native/device.js');
    try {
      chooseDevice('cuda:0');
    } catch (error) {
      if (error.code !== 'ERR_DEVICE') throw error;
      console.log(`no GPU: ${error.message}`);
      return error.exitCode;
    }
    const config = ['run', '--config', 'test/gpu/vitest.config.ts'];
    const { status } = await runPackageScript('vitest/vitest.mjs', config, { show: true });
    if (status !== 0 || process.argv.includes('--no-benchmark')) return status;
    return (await run(process.execPath, ['test/gpu/benchmark.mjs'], { show: true })).status;
  });
}
