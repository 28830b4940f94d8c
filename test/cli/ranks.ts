/** Starts the ranks of a run as a launcher does, on the loopback. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { type Outcome, selfgrad } from './selfgrad.ts';

/** A port of the loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface RankCall {
  args: readonly string[];
  onStart?: (child: ChildProcess) => void;
  onStderr?: (child: ChildProcess, stderr: string) => void;
}

/** Runs `selfgrad ...args --distributed` once for each rank; what each came to. */
export async function launch(ranks: readonly RankCall[]): Promise<Outcome[]> {
  const port = await freePort();
  return Promise.all(
    ranks.map(({ args, ...calls }, rank) =>
      selfgrad([...args, '--distributed'], {
        env: {
          RANK: String(rank),
          WORLD_SIZE: String(ranks.length),
          LOCAL_RANK: String(rank),
          LOCAL_WORLD_SIZE: String(ranks.length),
          MASTER_ADDR: '127.0.0.1',
          MASTER_PORT: String(port),
        },
        ...calls,
      }),
    ),
  );
}
