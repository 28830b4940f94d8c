/**
 * A picture of accuracy against cost: one line a method over a logarithmic axis, with intervals and names at the right.
 * A file of its own that follows the reader's light or dark setting; shapes tell methods apart without colour.
 */
import { scaleLinear, scaleLog } from 'd3-scale';
import { line, symbol, symbolsFill } from 'd3-shape';
import { spread, textWidth } from '../../dist/report/charts/labels.js';
import { html } from '../../dist/report/markup.js';
import { colours, fontSize, pixel, style } from '../chartStyle.mjs';

const size = { width: 720, height: 420 };
const margin = { top: 64, bottom: 52, left: 52 };

const percent = (value) => `${Number((100 * value).toFixed(1))} %`;

const ownStyle = `.line { fill: none; stroke: var(--c); stroke-width: 2; } .whisker { stroke: var(--c); stroke-width: 1.5; } .dot { fill: var(--c); }
.leader { fill: none; stroke: var(--c); stroke-opacity: 0.55; stroke-dasharray: 2 3; } .name { fill: var(--c); font-weight: 600; }
`;

/** 1, 2 and 5 times the powers of ten in the domain. */
function ticksOf([low, high]) {
  const ticks = [];
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10)
    for (const factor of [1, 2, 5])
      if (factor * power >= low && factor * power <= high) ticks.push(factor * power);
  return ticks;
}

/**
 * The SVG text.
 *
 * @param series `{ name, points: { x, y, half }[] }[]`, each with a point; y and half are shares
 * @param reference the series with the second colour, after the first of the list
 */
export function chart({ title, xLabel, yLabel, series, reference }) {
  const points = series.flatMap((one) => one.points);
  const right = size.width - 34 - Math.max(...series.map(({ name }) => textWidth(name, fontSize)));
  const bottom = size.height - margin.bottom;
  const xs = points.map(({ x }) => x);
  const x = scaleLog([Math.min(...xs) / 1.2, Math.max(...xs) * 1.2], [margin.left, right]);
  const lows = points.map(({ y, half }) => y - half);
  const highs = points.map(({ y, half }) => Math.min(1, y + half));
  const y = scaleLinear([Math.max(0, Math.min(...lows)), Math.max(...highs)], [bottom, margin.top]).nice(5);
  const coloured = series.toSorted((a, b) => (b.name === reference) - (a.name === reference));
  const order = [series[0], ...coloured.filter((one) => one !== series[0])];
  const ends = series.map((one) => one.points.at(-1));
  const labelAt = spread(
    ends.map((end) => y(end.y)),
    fontSize + 4,
    margin.top,
    bottom,
  );
  const path = line(
    (point) => x(point.x),
    (point) => y(point.y),
  ).digits(1);
  const description = series
    .map(
      ({ name, points }) =>
        `${name}: ${points.map((point) => `${percent(point.y)} at ${point.x.toPrecision(3)}`).join(', ')}`,
    )
    .join('; ');
  return `${html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-labelledby="title text">
<title id="title">${title}</title><desc id="text">${yLabel} against ${xLabel}. ${description}.</desc>
<style>${style}${ownStyle}</style>
<rect class="page" width="${size.width}" height="${size.height}"/>
<text class="title" x="16" y="26">${title}</text>
<text x="16" y="46">95 % intervals over images and seeds</text>
${y.ticks(5).map((value) => html`<line class="grid" x1="${margin.left}" x2="${pixel(right)}" y1="${pixel(y(value))}" y2="${pixel(y(value))}"/><text x="${margin.left - 8}" y="${pixel(y(value) + 4)}" text-anchor="end">${percent(value)}</text>`)}
<line class="base" x1="${margin.left}" x2="${pixel(right)}" y1="${bottom}" y2="${bottom}"/>
${ticksOf(x.domain()).map((value) => html`<line class="base" x1="${pixel(x(value))}" x2="${pixel(x(value))}" y1="${bottom}" y2="${bottom + 4}"/><text x="${pixel(x(value))}" y="${bottom + 19}" text-anchor="middle">${Number(value.toPrecision(3))}</text>`)}
<text class="axis" x="${pixel((margin.left + right) / 2)}" y="${size.height - 10}" text-anchor="middle">${xLabel} (logarithmic)</text>
${series.map((one, i) => {
  const colour = order.indexOf(one);
  const shape = symbol(symbolsFill[colour % symbolsFill.length], 64);
  const end = [x(ends[i].x), y(ends[i].y)];
  return html`<g class="s${colour % colours}"><path class="line" d="${path(one.points)}"/>${one.points.map(
    (point) =>
      html`<line class="whisker" x1="${pixel(x(point.x))}" x2="${pixel(x(point.x))}" y1="${pixel(y(Math.max(0, point.y - point.half)))}" y2="${pixel(y(Math.min(1, point.y + point.half)))}"/><path class="dot" transform="translate(${pixel(x(point.x))} ${pixel(y(point.y))})" d="${shape()}"/>`,
  )}<path class="leader" d="M${pixel(end[0] + 7)} ${pixel(end[1])}L${pixel(right + 10)} ${pixel(labelAt[i])}"/><text class="name" x="${pixel(right + 14)}" y="${pixel(labelAt[i] + 4)}">${one.name}</text></g>`;
})}
</svg>`}\n`;
}
