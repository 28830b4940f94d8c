/** A picture of growth: a panel an axis, both scales logarithmic, and a line of slope one through the first point. */
import { scaleLog } from 'd3-scale';
import { html } from '../../dist/report/markup.js';
import { fontSize, pixel, style } from '../chartStyle.mjs';

const panel = { width: 250, height: 190, left: 58, top: 66, bottom: 48, gap: 16 };
const ownStyle = `.line { fill: none; stroke: var(--c); stroke-width: 2; } .dot { fill: var(--c); } .even { stroke: var(--muted); stroke-dasharray: 4 3; } .head { fill: var(--text); font-weight: 650; } `;
const columns = 3;

/** CPU seconds, which neighbours on the machine disturb less; of threads, which share the work, wall seconds. */
const costOf = (axis, { seconds, cpuSeconds }) => (axis === 'threads' ? seconds : cpuSeconds).median;

/** @param results `{ axis, label, points: { value, seconds: { median }, cpuSeconds: { median } }[] }[]` */
export function growthChart(measured) {
  const results = measured.map(({ axis, label, points }) => ({
    axis,
    label: axis === 'threads' ? `${label} (wall seconds)` : label,
    points: points.map((point) => ({ value: point.value, cost: costOf(axis, point) })),
  }));
  const rows = Math.ceil(results.length / columns);
  const width = columns * (panel.left + panel.width + panel.gap) + 16;
  const height = 36 + rows * (panel.top + panel.height + panel.bottom) - 24;
  const costs = results.flatMap(({ points }) => points.map(({ cost }) => cost));
  const [least, most] = [Math.min(...costs), Math.max(...costs)];
  const panels = results.map(({ axis, label, points }, i) => {
    const left = panel.left + (i % columns) * (panel.left + panel.width + panel.gap);
    const top = panel.top + Math.floor(i / columns) * (panel.top + panel.height + panel.bottom);
    const values = points.map(({ value }) => value);
    const x = scaleLog([values[0], values.at(-1)], [left, left + panel.width]);
    const y = scaleLog([least * 0.8, most * 1.25], [top + panel.height, top]);
    const at = ({ value, cost }) => `${pixel(x(value))},${pixel(y(cost))}`;
    const ticks = [0.1, 0.3, 1, 3, 10, 30, 100].filter((tick) => tick >= least * 0.8 && tick <= most * 1.25);
    // From the first point on, as long as it stays in the panel.
    const steepest = (most * 1.25) / points[0].cost;
    const end = Math.min(values.at(-1) / values[0], steepest);
    const even =
      axis === 'threads'
        ? null
        : html`<line class="even" x1="${pixel(x(values[0]))}" y1="${pixel(y(points[0].cost))}" x2="${pixel(x(values[0] * end))}" y2="${pixel(y(points[0].cost * end))}"/>`;
    return html`<text class="head" x="${left}" y="${top - 12}">${label}</text>
${ticks.map((tick) => html`<line class="grid" x1="${left}" x2="${left + panel.width}" y1="${pixel(y(tick))}" y2="${pixel(y(tick))}"/><text x="${left - 8}" y="${pixel(y(tick) + 4)}" text-anchor="end">${tick}</text>`)}
${values.map((value) => html`<text x="${pixel(x(value))}" y="${top + panel.height + fontSize + 6}" text-anchor="middle">${value}</text>`)}
${even}<polyline class="line s0" points="${points.map(at).join(' ')}"/>${points.map(({ value, cost }) => html`<circle class="dot s0" cx="${pixel(x(value))}" cy="${pixel(y(cost))}" r="3.5"/>`)}`;
  });
  const description = results
    .map(
      ({ label, points }) =>
        `${label}: ${points.map(({ value, cost }) => `${value} takes ${cost.toPrecision(3)} s`).join(', ')}`,
    )
    .join('; ');
  return `${html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title text">
<title id="title">How the cost of PGD training grows</title><desc id="text">CPU seconds of an epoch. ${description}.</desc>
<style>${style}${ownStyle}</style>
<rect class="page" width="${width}" height="${height}"/>
<text class="title" x="16" y="26">CPU seconds of an epoch of PGD training; dashed: in proportion</text>
${panels}
</svg>`}\n`;
}
