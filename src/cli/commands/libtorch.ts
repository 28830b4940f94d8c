/** `selfgrad libtorch install|where`: the pinned LibTorch, fetched into the user's cache or found on the machine. */
import { Command } from 'commander';
import { installLibtorch } from '../../native/libtorch/install.ts';
import { resolveLibtorch } from '../../native/libtorch/resolve.ts';
import { pinnedLibtorch } from '../../native/packageRoot.ts';
import { withDownloadProgress } from '../downloadProgress.ts';
import { type ProgressFlags, progressOptions } from '../progress/progress.ts';

interface InstallFlags extends ProgressFlags {
  force?: boolean;
  url?: string;
  sha256?: string;
  offline?: boolean;
  json?: boolean;
}

async function install({ json, progress, quiet, ...flags }: InstallFlags): Promise<void> {
  const { root } = await withDownloadProgress('LibTorch', { progress, quiet }, (onProgress) =>
    installLibtorch({ ...flags, onProgress }),
  );
  const answer = { schema: 'selfgrad.libtorch/1', version: pinnedLibtorch, source: 'cache', root };
  console.log(json ? JSON.stringify(answer) : `LibTorch ${pinnedLibtorch} is installed in ${root}`);
}

function where({ json }: { json?: boolean }): void {
  const { root, source } = resolveLibtorch();
  const answer = { schema: 'selfgrad.libtorch/1', version: pinnedLibtorch, source, root };
  console.log(json ? JSON.stringify(answer) : root);
}

/** The command with its two sub-commands. */
export function libtorchCommand(): Command {
  const command = new Command('libtorch').description(`install or find LibTorch ${pinnedLibtorch}`);
  const installing = command
    .command('install')
    .description('fetch LibTorch into the cache, by pip or from an archive; nothing to do when it is there')
    .option('--force', 'fetch it again even when it is there')
    .option('--url <address>', 'https address of a LibTorch zip (default: $SELFGRAD_LIBTORCH_URL, else pip)')
    .option('--sha256 <hex>', 'checksum of that zip (default: $SELFGRAD_LIBTORCH_SHA256)')
    .option('--offline', 'fail rather than use the network')
    .option('--json', 'print the answer as JSON')
    .action(install);
  for (const option of progressOptions()) installing.addOption(option);
  command
    .command('where')
    .description('print the folder of the LibTorch that would be used')
    .option('--json', 'print the answer as JSON')
    .action(where);
  return command;
}
