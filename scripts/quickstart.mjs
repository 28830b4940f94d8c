/** The main job, end to end, from a fresh clone: set-up, train a small robust network, attack it, report. */
import { join } from 'node:path';
import { root, run } from './command.mjs';
import { runMain } from './console.mjs';
import { setup } from './setup.mjs';

const folder = 'runs/quickstart';

/** What a user would type after `npx selfgrad`. */
const commands = [
  ['train', '--preset', 'quickstart', '--out', folder, '--overwrite'],
  ['eval', folder],
];

await runMain(async () => {
  await setup();
  for (const command of commands) {
    process.stderr.write(`\n$ npx selfgrad ${command.join(' ')}\n`);
    const { status } = await run(process.execPath, [join(root, 'dist/cli/main.js'), ...command], {
      show: true,
    });
    if (status !== 0) return status;
  }
  return 0;
});
