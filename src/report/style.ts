/**
 * The style sheet of the report. Colours are Okabe and Ito's, which remain apart for colour-blind readers
 * (darkened for text where contrast asks for it); dashes and labels carry the same meaning without colour.
 */
export const style = `
:root {
  color-scheme: light dark;
  --page: #fbfbfa; --panel: #ffffff; --text: #1c2126; --muted: #5b646d; --rule: #e1e4e7; --track: #e9ecee;
  --clean: #0072b2; --robust: #d55e00; --train: #009e73; --neutral: #5b646d;
  --run-1: #0072b2; --run-2: #d55e00; --run-3: #009e73; --run-4: #9c4a7d; --run-5: #8a6d00; --run-6: #5b646d;
  --clean-text: #00639b; --robust-text: #b04d00; --train-text: #00755a;
  --warning: #fff7e2; --warning-rule: #e69f00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --panel: #1b1f23; --text: #e8ebee; --muted: #a3acb5; --rule: #31373d; --track: #2c3238;
    --clean: #56b4e9; --robust: #e69f00; --train: #2fbf98; --neutral: #a3acb5;
    --run-1: #56b4e9; --run-2: #f0a020; --run-3: #2fbf98; --run-4: #e39cc4; --run-5: #d8c84a; --run-6: #a3acb5;
    --clean-text: #7cc6f0; --robust-text: #f0b429; --train-text: #4fd0ae;
    --warning: #2b2413; --warning-rule: #e69f00;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 40px 24px 56px; max-width: 1112px; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
code, pre { font: 13px/1.55 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
h1, h2, h3, p, figure, dl, dd, ul { margin: 0; padding: 0; }
h1 { font-size: 32px; line-height: 1.2; letter-spacing: -0.015em; font-weight: 650; }
h1 span { color: var(--muted); font-weight: 400; }
h2 { font-size: 19px; line-height: 1.3; font-weight: 650; letter-spacing: -0.005em; }
h3 { font-size: 14px; margin: 24px 0 8px; }
section { margin-top: 48px; }
section > h2 { padding-bottom: 8px; border-bottom: 1px solid var(--rule); margin-bottom: 16px; }
.lead { color: var(--muted); max-width: 72ch; margin-bottom: 20px; }
.eyebrow { color: var(--muted); font-size: 13px; margin-bottom: 6px; }
.subject { margin-top: 10px; list-style: none; color: var(--muted); }
.subject li { display: inline; }
.subject li:not(:last-child)::after { content: " · "; white-space: pre-wrap; }
.subject li:first-child { color: var(--text); font-weight: 600; }

.tone-clean { --tone: var(--clean); --tone-text: var(--clean-text); }
.tone-robust { --tone: var(--robust); --tone-text: var(--robust-text); }
.tone-train { --tone: var(--train); --tone-text: var(--train-text); }
.tone-neutral { --tone: var(--neutral); --tone-text: var(--muted); }
.tone-run-1 { --tone: var(--run-1); --tone-text: var(--run-1); }
.tone-run-2 { --tone: var(--run-2); --tone-text: var(--run-2); }
.tone-run-3 { --tone: var(--run-3); --tone-text: var(--run-3); }
.tone-run-4 { --tone: var(--run-4); --tone-text: var(--run-4); }
.tone-run-5 { --tone: var(--run-5); --tone-text: var(--run-5); }
.tone-run-6 { --tone: var(--run-6); --tone-text: var(--run-6); }

.headlines { display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: 16px; margin-top: 28px; }
.headline { background: var(--panel); border: 1px solid var(--rule); border-radius: 10px; padding: 20px 24px; }
.headline h2 { font-size: 14px; font-weight: 600; letter-spacing: 0; }
.headline .value { font-size: 56px; line-height: 1.15; font-weight: 680; letter-spacing: -0.03em; color: var(--tone-text); }
.headline .value span { font-size: 26px; font-weight: 500; letter-spacing: 0; }
.headline .note { color: var(--muted); font-size: 13px; margin-top: 10px; }
.headline .rate-bar { width: 100%; margin: 8px 0 0; }

.rate-bar { display: inline-block; width: 96px; height: 8px; border-radius: 2px; vertical-align: 1px; }
.rate-bar .track { fill: var(--track); }
.rate-bar .fill { fill: var(--tone); }
.trust { color: var(--muted); font-size: 14px; margin-top: 14px; }
.rate-bar .whisker { stroke: var(--text); stroke-width: 2; vector-effect: non-scaling-stroke; }

.warnings { list-style: none; display: grid; gap: 8px; }
.warnings li { background: var(--warning); border-left: 3px solid var(--warning-rule); border-radius: 3px; padding: 10px 14px; }
.warnings code { font-weight: 600; margin-right: 6px; }

.explanations { columns: 2; column-gap: 40px; font-size: 14px; }
.explanations > div { break-inside: avoid; margin-bottom: 20px; }
.explanations h3 { margin: 0 0 2px; }
.explanations p { margin-bottom: 2px; }
.explanations p:last-child { color: var(--muted); }
a { color: inherit; text-decoration-color: var(--muted); text-underline-offset: 3px; }
a:focus-visible { outline: 2px solid var(--clean); outline-offset: 2px; }

.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--clean); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
th, td { padding: 9px 14px; text-align: right; white-space: nowrap; vertical-align: top; border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child, .rate, .text { text-align: left; }
td.text:last-child { white-space: normal; overflow-wrap: break-word; }
th:first-child { padding-left: 0; overflow-wrap: normal; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--muted); font-weight: 500; font-size: 13px; border-bottom-color: var(--muted); }
tbody th, tfoot th { font-weight: 600; white-space: normal; min-width: 9em; overflow-wrap: anywhere; }
tbody th small, tfoot th small { display: block; color: var(--muted); font-weight: 400; font-size: 12.5px; max-width: 46ch; }
tfoot > tr > * { border-bottom: 0; border-top: 2px solid var(--rule); }
.rate b { display: inline-block; min-width: 4.6em; text-align: right; margin-right: 6px; }
.interval { color: var(--muted); font-size: 13px; }

figure { min-width: 0; }
.side-by-side { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 28px 32px; }
.curve-and-table { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 28px 40px; align-items: start; }
.curve-and-table th, .curve-and-table td { padding-block: 5px; }
.chart { display: block; width: 100%; height: auto; font-size: 12px; }
.chart.narrow { display: none; }
.chart text { fill: var(--muted); }
.chart .axis-name { fill: var(--text); }
.grid line { stroke: var(--rule); }
.x-axis line { stroke: var(--muted); }
.marks line { stroke: var(--muted); stroke-opacity: 0.45; stroke-dasharray: 2 3; }
.series .line { fill: none; stroke: var(--tone); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.series .band { fill: var(--tone); fill-opacity: 0.16; }
.series circle { fill: var(--tone); }
.series text { fill: var(--tone-text); font-weight: 600; }
.tone-clean .line { stroke-dasharray: 7 4; }
.tone-train .line { stroke-dasharray: 1 4; }
.tone-run-2 .line { stroke-dasharray: 7 4; }
.tone-run-3 .line { stroke-dasharray: 1 4; }
.tone-run-4 .line { stroke-dasharray: 10 3 2 3; }
.tone-run-5 .line { stroke-dasharray: 3 3; }
.tone-run-6 .line { stroke-dasharray: 12 5; }
.difference { display: block; color: var(--muted); font-size: 13px; }
.side-by-side + .scroll, .warnings + .side-by-side { margin-top: 28px; }
.side-by-side > figure:only-child { max-width: 620px; }

.examples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 16px; }
.example { background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; padding: 12px 14px 14px; }
.example figcaption { font-size: 13px; display: flex; justify-content: space-between; gap: 12px; margin-bottom: 10px; }
.example figcaption span { color: var(--muted); text-align: right; }
.pictures { display: grid; grid-template-columns: repeat(4, 1fr); gap: 10px; }
.picture { font-size: 12.5px; line-height: 1.4; color: var(--muted); }
.picture img { display: block; width: 100%; height: auto; image-rendering: pixelated; border-radius: 3px; margin-bottom: 6px; }
.picture b { font-weight: 600; }
.right { color: var(--clean-text); }
.wrong { color: var(--robust-text); }

dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); column-gap: 40px; font-size: 14px; }
dl div { display: grid; grid-template-columns: 104px minmax(0, 1fr); gap: 12px; padding: 7px 0; border-bottom: 1px solid var(--rule); }
dt { color: var(--muted); }
pre { background: var(--panel); border: 1px solid var(--rule); border-radius: 6px; padding: 12px 14px; margin: 0; overflow-x: auto; }
.command { white-space: pre-wrap; user-select: all; }
details { margin-top: 24px; }
summary { cursor: pointer; font-weight: 600; font-size: 14px; margin-bottom: 8px; }
footer { margin-top: 56px; color: var(--muted); font-size: 13px; }

@media (max-width: 900px) {
  .curve-and-table { grid-template-columns: minmax(0, 1fr); }
  .chart { max-width: 620px; }
  .explanations { columns: auto; }
  th, td { padding-inline: 9px; }
  .rate .interval { display: block; }
}
@media (max-width: 560px) {
  body { padding: 24px 16px 40px; }
  h1 { font-size: 25px; }
  .headline { padding: 16px 18px; }
  .headline .value { font-size: 46px; }
  th, td { padding: 8px; }
  tbody th, tfoot th { min-width: 0; }
  td .rate-bar { display: none; }
  .rate b { min-width: 0; }
  .chart.wide { display: none; }
  .chart.narrow { display: block; }
}
@media print {
  :root {
    --page: #ffffff; --panel: #ffffff; --text: #000000; --muted: #444444; --rule: #cccccc; --track: #e9ecee;
    --clean: #0072b2; --robust: #d55e00; --train: #009e73; --neutral: #444444;
    --run-1: #0072b2; --run-2: #d55e00; --run-3: #009e73; --run-4: #9c4a7d; --run-5: #8a6d00; --run-6: #444444;
    --clean-text: #00639b; --robust-text: #b04d00; --train-text: #00755a; --warning: #ffffff;
  }
  @page { margin: 16mm; }
  body { padding: 0; max-width: none; font-size: 10.5pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  section { margin-top: 9mm; }
  h2, .lead { break-after: avoid; }
  figure, tr, .headline, .warnings li { break-inside: avoid; }
  .scroll { overflow: visible; }
  tfoot { display: table-row-group; }
  table { font-size: 9.5pt; }
  th, td { padding: 5px 8px; }
  td .rate-bar { display: none; }
  .rate b { min-width: 0; }
  .rate .interval { display: block; }
  .curve-and-table, .side-by-side { grid-template-columns: 1fr 1fr; gap: 6mm; }
  .explanations { columns: 2; column-gap: 6mm; font-size: 9.5pt; }
  .chart.wide { display: none; }
  .chart.narrow { display: block; }
  pre { white-space: pre-wrap; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
`;
