/** `train --watch`: a page on the loopback that shows the run while it lasts. */
import type { Config } from '../../config/config.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { TrainEvent } from '../../events.ts';
import type { LinePoint } from '../../report/charts/lineChart.ts';
import { contentPolicy } from '../../report/page.ts';
import { type LiveState, renderLivePage, renderRegions } from './page.ts';
import { openProbeData, probe } from './probe.ts';
import { livePart } from './script.ts';
import { openWatchServer } from './server.ts';

/** Often enough for eyes; drawing takes some milliseconds of the thread that training does not use. */
const redrawMs = 1000;

export interface WatchOptions {
  config: Config;
  /** The run directory, as it is called on the page. */
  directory: string;
  /** What the run told before it was interrupted; empty for a new one. */
  history: readonly TrainEvent[];
  /** 0 for any that is free. */
  port: number;
  /** The stop button was pressed. */
  onStop: () => void;
}

export interface Watch {
  /** Address of the page, with the token that it needs. */
  readonly url: string;
  show(event: TrainEvent): void;
  /** Shows the end, and lets go of the port and of all memory. */
  close(): Promise<void>;
}

/**
 * Serves the live page of a run. Nothing is drawn while nobody looks.
 *
 * @throws SelfgradError `ERR_ENVIRONMENT` when the port cannot be had
 */
export async function openWatch({ config, directory, history, port, onStop }: WatchOptions): Promise<Watch> {
  const events: TrainEvent[] = [...history];
  const quality: LinePoint[] = [];
  const state: LiveState = { config, events, probe: null, quality, problem: null };
  const server = await openWatchServer({
    port,
    policy: contentPolicy(livePart),
    page: () => renderLivePage(state, directory),
    greeting: () => JSON.stringify(renderRegions(state)),
    onStop,
  });
  let shown: Record<string, string> = {};
  const redraw = () => {
    if (server.listeners === 0) return;
    const now = renderRegions(state);
    const changed = Object.entries(now).filter(([id, html]) => shown[id] !== html);
    if (changed.length > 0) server.send('regions', JSON.stringify(Object.fromEntries(changed)));
    shown = now;
  };
  const timer = setInterval(redraw, redrawMs).unref();

  const closing = new AbortController();
  let data: Dataset | undefined;
  let looking: Promise<void> | undefined;
  const look = async (checkpoint: string, place: number) => {
    try {
      data ??= await openProbeData(config, closing.signal);
      const { evaluation, quality: reached } = await probe(checkpoint, data, config, closing.signal);
      state.probe = evaluation;
      if (reached !== null) quality.push({ x: place, y: Math.max(0, Math.min(1, reached)) });
    } catch (error) {
      // The run goes on: the page says what it lacks.
      if (!closing.signal.aborted) state.problem = (error as Error).message;
    }
  };
  return {
    url: server.url,
    show(event) {
      events.push(event);
      if (event.type !== 'checkpoint' || looking !== undefined) return;
      const passes = events.findLast((one) => one.type === 'step')?.passes;
      looking = look(event.path, passes ? passes.forward + passes.backward : 0).finally(() => {
        looking = undefined;
      });
    },
    async close() {
      clearInterval(timer);
      closing.abort();
      await looking;
      data?.dispose();
      redraw();
      await server.close();
    },
  };
}
