/** A picture of ratios: lying bars with whiskers, in groups, and a line where both sides are equally fast. */
import { scaleLinear } from 'd3-scale';
import { html } from '../../dist/report/markup.js';
import { fontSize, pixel, style } from '../chartStyle.mjs';

const width = 760;
const margin = { top: 88, right: 60, bottom: 52, left: 232 };
const bar = 14;
const rowGap = 12;
const headHeight = 30;
const ownStyle = `.bar { fill: var(--c); } .whisker { stroke: var(--text); stroke-width: 1.2; } .one { stroke: var(--text); stroke-dasharray: 4 3; }
.row, .value { fill: var(--text); } .value { font-size: 12px; paint-order: stroke; stroke: var(--page); stroke-width: 3px; } .head { fill: var(--text); font-weight: 650; }
`;

/** Places every group's heading and rows below one another. */
function layout(groups, bars) {
  let y = margin.top;
  const placed = groups.map(({ name, rows }) => {
    const head = y + headHeight - 10;
    y += headHeight;
    return {
      name,
      head,
      rows: rows.map((row) => {
        const top = y;
        y += bars * bar + rowGap;
        return { ...row, top };
      }),
    };
  });
  return { placed, bottom: y };
}

/**
 * The SVG text.
 *
 * @param series the names of each row's bars
 * @param groups `{ name, rows: { label, values: { median, min, max }[] }[] }[]`, a value for each of the series
 */
export function ratioChart({ title, note, xLabel, series, groups }) {
  const { placed, bottom } = layout(groups, series.length);
  const height = bottom + margin.bottom;
  const spreads = groups.flatMap(({ rows }) => rows.flatMap(({ values }) => values));
  const x = scaleLinear(
    [0, Math.max(1, ...spreads.map(({ max }) => max))],
    [margin.left, width - margin.right],
  ).nice();
  const description = groups
    .flatMap(({ name, rows }) =>
      rows.map(
        ({ label, values }) =>
          `${name}, ${label}: ${values.map(({ median }, i) => `${median.toFixed(2)} ${series[i]}`).join(', ')}`,
      ),
    )
    .join('; ');
  const drawBar = ({ median, min, max }, top, i) => {
    const middle = pixel(top + bar / 2);
    return html`<g class="s${i}"><rect class="bar" x="${margin.left}" y="${pixel(top + 1)}" width="${pixel(x(median) - margin.left)}" height="${bar - 2}"/><path class="whisker" d="M${pixel(x(min))} ${middle}H${pixel(x(max))}M${pixel(x(min))} ${pixel(top + 3)}v${bar - 6}M${pixel(x(max))} ${pixel(top + 3)}v${bar - 6}"/><text class="value" x="${pixel(x(max) + 6)}" y="${pixel(top + bar - 2)}">${median.toFixed(2)}</text></g>`;
  };
  return `${html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${pixel(height)}" role="img" aria-labelledby="title text">
<title id="title">${title}</title><desc id="text">${xLabel}. ${description}.</desc>
<style>${style}${ownStyle}</style>
<rect class="page" width="${width}" height="${pixel(height)}"/>
<text class="title" x="16" y="26">${title}</text>
<text x="16" y="46">${note}</text>
${series.map((name, i) => html`<g class="s${i}"><rect class="bar" x="${16 + i * 190}" y="58" width="12" height="12"/></g><text class="row" x="${34 + i * 190}" y="69">${name}</text>`)}
${x.ticks(6).map((value) => html`<line class="grid" x1="${pixel(x(value))}" x2="${pixel(x(value))}" y1="${margin.top}" y2="${pixel(bottom)}"/><text x="${pixel(x(value))}" y="${pixel(bottom + fontSize + 6)}" text-anchor="middle">${value}</text>`)}
<line class="one" x1="${pixel(x(1))}" x2="${pixel(x(1))}" y1="${margin.top}" y2="${pixel(bottom)}"/>
${placed.map(({ name, head, rows }) => html`<text class="head" x="16" y="${pixel(head)}">${name}</text>${rows.map(({ label, values, top }) => html`<text class="row" x="${margin.left - 10}" y="${pixel(top + (values.length * bar) / 2 + 4)}" text-anchor="end">${label}</text>${values.map((value, i) => drawBar(value, top + i * bar, i))}`)}`)}
<text class="axis" x="${pixel((margin.left + width - margin.right) / 2)}" y="${pixel(height - 12)}" text-anchor="middle">${xLabel}</text>
</svg>`}\n`;
}
