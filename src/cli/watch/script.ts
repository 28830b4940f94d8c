/** What the live page has besides the report's style: how it takes in what the server sends, and its own controls. */
import type { PageScript } from '../../report/page.ts';

const script = `
const token = new URLSearchParams(location.search).get('token') ?? '';
const state = document.getElementById('state');
const stop = document.getElementById('stop');
const events = new EventSource('/events?token=' + encodeURIComponent(token));
events.addEventListener('regions', ({ data }) => {
  for (const [id, html] of Object.entries(JSON.parse(data))) document.getElementById(id).innerHTML = html;
});
events.addEventListener('end', () => {
  events.close();
  stop.disabled = true;
});
events.addEventListener('error', () => {
  state.textContent = 'The run cannot be reached.';
});
stop.addEventListener('click', async () => {
  stop.disabled = true;
  state.textContent = 'Stopping: a checkpoint is written.';
  const answer = await fetch('/stop', { method: 'POST', headers: { authorization: 'Bearer ' + token } });
  if (!answer.ok) state.textContent = 'The run could not be stopped.';
});
`;

const style = `
.controls { display: flex; flex-wrap: wrap; gap: 12px 20px; align-items: center; margin-top: 24px; }
.controls button {
  font: inherit; font-weight: 600; padding: 7px 16px; border-radius: 6px; cursor: pointer;
  color: var(--text); background: var(--panel); border: 1px solid var(--muted);
}
.controls button:focus-visible { outline: 2px solid var(--clean); outline-offset: 2px; }
.controls button:disabled { color: var(--muted); border-color: var(--rule); cursor: default; }
progress { display: block; width: 100%; height: 10px; margin: 20px 0 12px; accent-color: var(--clean); }
.figures { grid-template-columns: repeat(auto-fit, minmax(118px, 1fr)); column-gap: 16px; }
.figures div { display: block; }
.figures dd { font-size: 15.5px; font-weight: 600; }
.empty { color: var(--muted); }
`;

/** Script and style of the live page; both constant, so that their hashes are. */
export const livePart: PageScript = { script, style, connects: true };
