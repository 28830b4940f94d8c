/** Tables whose columns sort: the script and style of static pages. Without the script a table reads as it was written. */
import type { PageScript } from './page.ts';

/**
 * The heads of a table of class `sortable` become buttons. The first click sorts the rows of its body up, the second
 * down, the third restores their order. A cell counts by its `data-value`, else by its text; a column is sorted as
 * numbers where all its values are such; empty cells come last either way. What stands in the foot stays there.
 */
const script = `
const valueOf = (row, column) => {
  const cell = row.cells[column];
  return (cell.dataset.value ?? cell.textContent).trim();
};
const comparison = (values) => {
  if (values.every((value) => value === '' || Number.isFinite(Number(value)))) return (a, b) => a - b;
  return new Intl.Collator('en', { numeric: true }).compare;
};
const sorted = (rows, column, sign) => {
  const compare = comparison(rows.map((row) => valueOf(row, column)));
  return [...rows].sort((left, right) => {
    const [a, b] = [valueOf(left, column), valueOf(right, column)];
    return a === '' || b === '' ? (a === '') - (b === '') : sign * compare(a, b);
  });
};
const after = { none: 'ascending', ascending: 'descending', descending: 'none' };
for (const table of document.querySelectorAll('table.sortable')) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  for (const [column, head] of heads.entries()) {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const order = after[head.getAttribute('aria-sort') ?? 'none'];
      for (const one of heads) one.removeAttribute('aria-sort');
      if (order !== 'none') head.setAttribute('aria-sort', order);
      body.append(...(order === 'none' ? rows : sorted(rows, column, order === 'ascending' ? 1 : -1)));
    });
  }
}
`;

/** The arrow stands where it moves no text: outside the edge to which the column is set. On paper there is none. */
const style = `
.sortable button {
  font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer;
  display: inline-flex; flex-direction: row-reverse; gap: 5px;
}
.sortable th:first-child button, .sortable .rate button { flex-direction: row; }
.sortable button::after { content: "↕"; content: "↕" / ""; opacity: 0.55; }
.sortable button:hover, .sortable [aria-sort] button { color: var(--text); }
.sortable [aria-sort] button::after { opacity: 1; }
.sortable [aria-sort="ascending"] button::after { content: "↑"; content: "↑" / ""; }
.sortable [aria-sort="descending"] button::after { content: "↓"; content: "↓" / ""; }
.sortable button:focus-visible { outline: 2px solid var(--clean); outline-offset: 2px; border-radius: 2px; }
@media print { .sortable button::after { content: none; } }
`;

/** Both constant, so that their hashes are. */
export const sorting: PageScript = { script, style, connects: false };
