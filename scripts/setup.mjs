/**
 * Everything between a fresh clone and a working package: tools, npm packages, TypeScript, LibTorch, the addon.
 * Each step is skipped when it is done, and nothing half-done is ever trusted.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildNative, buildTypeScript, findLibtorch } from './build.mjs';
import { isMain, root, runNpm } from './command.mjs';
import { runMain, SetupError, step } from './console.mjs';
import { hashOf, hasStamp, writeStamp } from './stamp.mjs';
import { checkTools } from './tools.mjs';

async function installPackages(report) {
  const stamp = join(root, 'node_modules', '.selfgrad-setup');
  const hash = hashOf(root, ['package-lock.json']);
  if (hasStamp(stamp, hash)) return undefined;
  report('npm ci');
  // The tests' ONNX runtime would otherwise fetch its CUDA libraries.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const { status, output } = await runNpm(['ci', '--no-audit', '--no-fund'], { env });
  if (status !== 0) {
    const reason =
      /^npm (?:error|ERR!) (?!code|errno|syscall|type|A complete)(.+)$/m.exec(output)?.[1] ??
      'npm gave no reason';
    const fix = output.includes('EUSAGE')
      ? ''
      : ' Check the network, and the proxy and registry settings of npm, then run this again.';
    throw new SetupError(`npm ci failed: ${reason.replace(/\.$/, '')}.${fix}`);
  }
  writeStamp(stamp, hash);
  return 'installed';
}

async function installLibtorch(report) {
  try {
    const { source, root: folder } = await findLibtorch();
    return source === 'cache' ? undefined : `found: ${folder}`;
  } catch (error) {
    if (error?.code !== 'ERR_LIBTORCH' || process.env.LIBTORCH) throw error;
  }
  const { installLibtorch } = await import(pathToFileURL(join(root, 'dist/native/libtorch/install.js')).href);
  const { progressText } = await import(pathToFileURL(join(root, 'dist/download/progress.js')).href);
  const text = progressText('LibTorch', process.stderr.isTTY === true);
  const { root: folder } = await installLibtorch({
    onProgress: (progress) => {
      const line = text(progress);
      if (line) report(line);
    },
  });
  return `installed: ${folder}`;
}

/** Brings a clone to the point where the package works. Throws SetupError or SelfgradError, in one sentence. */
export async function setup() {
  await step('tools', () => checkTools());
  await step('packages', installPackages);
  await step('typescript', buildTypeScript);
  await step('libtorch', installLibtorch);
  await step('addon', buildNative);
}

if (isMain(import.meta.url)) {
  await runMain(setup);
}
