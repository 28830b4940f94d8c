/** `train --watch` as a browser meets it: the page, its events, and the stop button. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { selfgrad, temporaryFolder } from './selfgrad.ts';

const endless = [
  'model.width=8',
  'threat.eps=0.1',
  'train.batchSize=32',
  'train.validate.count=32',
  'train.epochs=10000',
  'data.trainCount=64',
  'threads=1',
];

/** Starts a run that only ends when it is stopped, and calls `job` with the address of its page. */
async function watched(job: (url: URL, pid: number) => Promise<void>) {
  const out = join(temporaryFolder(), 'run');
  let jobDone: Promise<void> | undefined;
  const outcome = await selfgrad(['train', '--out', out, '--watch', ...endless], {
    onStderr(child, stderr) {
      const address = /^watch {2}(http:\S+)$/m.exec(stderr)?.[1];
      // Behind the first epoch, so that there is a checkpoint.
      if (jobDone || address === undefined || !stderr.includes('epoch   2')) return;
      jobDone = job(new URL(address), child.pid!).catch((error) => {
        child.kill('SIGKILL');
        throw error;
      });
    },
  });
  await jobDone;
  return { ...outcome, out };
}

/** The parts of the page as the server sends them, until all of `wanted` were not empty. */
async function regionsUntil(url: URL, wanted: (regions: Record<string, string>) => boolean) {
  const response = await fetch(new URL(`/events${url.search}`, url));
  let text = '';
  const regions: Record<string, string> = {};
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) Object.assign(regions, JSON.parse(block.slice(block.indexOf('data: ') + 6)));
    if (wanted(regions)) break;
  }
  return regions;
}

test('shows curves, examples and adversary quality, and stops resumably at the button', async () => {
  const { status, stderr, out } = await watched(async (url) => {
    const page = await fetch(url);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toContain('<button type="button" id="stop">');
    const regions = await regionsUntil(
      url,
      ({ examples = '', quality = '' }) => examples.includes('data:image/png') && quality.includes('<svg'),
    );
    expect(regions.curves).toContain('training-loss');
    const stop = (token: string) =>
      fetch(new URL('/stop', url), { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    expect((await stop('guess')).status).toBe(403);
    expect((await stop(url.searchParams.get('token')!)).status).toBe(204);
  });
  expect(status, stderr).toBe(130);
  expect(stderr).toContain(`To go on: selfgrad train --resume ${out}`);
  expect(existsSync(join(out, 'checkpoint.safetensors'))).toBe(true);
});

test('Ctrl-C ends it with a page still open', async () => {
  const { status, stderr } = await watched(async (url, pid) => {
    const response = await fetch(new URL(`/events${url.search}`, url));
    process.kill(pid, 'SIGINT');
    const told = await response.text();
    expect(told).toContain('Stopped: the run can be resumed.');
    expect(told.endsWith('event: end\ndata: {}\n\n')).toBe(true);
  });
  expect(status, stderr).toBe(130);
});
