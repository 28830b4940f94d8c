/** What the pictures of bench/results share: colours, letters, and a page that follows the reader's light or dark. */

// Okabe and Ito's, darkened or lightened until they stand out from the page.
const light = ['#0072b2', '#c75000', '#00805d', '#a8487f', '#7a5c00', '#4d555c', '#6f4bb8'];
const dark = ['#56b4e9', '#f0913a', '#2fbf98', '#e08fc0', '#d9b84a', '#b6bec6', '#b79cf0'];
const rules = (list) => list.map((colour, i) => `.s${i} { --c: ${colour}; }`).join(' ');

/** How many classes s0, s1 … there are; each sets the colour `--c`. */
export const colours = light.length;
export const fontSize = 13;
export const style = `
svg { --page: #ffffff; --text: #1c2126; --muted: #5b646d; --rule: #e1e4e7; font: ${fontSize}px system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
${rules(light)}
@media (prefers-color-scheme: dark) { svg { --page: #14171a; --text: #e8ebee; --muted: #a3acb5; --rule: #31373d; } ${rules(dark)} }
.page { fill: var(--page); } text { fill: var(--muted); } .title { fill: var(--text); font-size: 16px; font-weight: 650; } .axis { fill: var(--text); }
.grid { stroke: var(--rule); } .base { stroke: var(--muted); }
`;

/** A coordinate to a tenth of a pixel. */
export const pixel = (value) => String(Math.round(value * 10) / 10);
