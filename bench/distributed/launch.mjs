/** Starts the ranks of a measured run on this machine and collects what each prints. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('rank.mjs', import.meta.url));

/**
 * @param config of the training
 * @param images on which rank 0 judges the network; 0 for none
 * @param ranks a command in front of each rank's own ([] for none): the length is the world's size
 * @param host,port where the ranks meet
 */
export function launch({ config, images, ranks, host = '127.0.0.1', port = 29511 }) {
  return Promise.all(
    ranks.map((before, rank) => {
      const [command, ...args] = [
        ...before,
        process.execPath,
        script,
        JSON.stringify(config),
        String(images),
      ];
      const env = { RANK: rank, WORLD_SIZE: ranks.length, MASTER_ADDR: host, MASTER_PORT: port };
      const child = spawn(command, args, {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      return new Promise((resolve, reject) => {
        let output = '';
        child.stdout.setEncoding('utf8').on('data', (text) => {
          output += text;
        });
        child.on('error', reject);
        child.on('close', (status) =>
          status === 0 ? resolve(JSON.parse(output)) : reject(new Error(`rank ${rank} ended with ${status}`)),
        );
      });
    }),
  );
}
