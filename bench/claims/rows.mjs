/** A row is one training run and what the judge found: which rows a plan has, and their files, one a row. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeAtomic } from '../../dist/report/writeAtomic.js';

const isGroup = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The groups merged key by key; the later wins, and a named choice (a strategy, a schedule) replaces the earlier. */
export function merge(...groups) {
  const merged = {};
  for (const group of groups)
    for (const [key, value] of Object.entries(group))
      merged[key] =
        isGroup(value) && isGroup(merged[key]) && !('name' in value) ? merge(merged[key], value) : value;
  return merged;
}

/** The configuration of one row. */
function inputOf(plan, { network, method, budget, lr, seed }) {
  return merge(plan.base, { model: plan.networks[network] }, plan.methods[method], {
    seed,
    train: { epochs: null, passes: budget, lr },
  });
}

/**
 * The rows of a stage: every combination of what it names, of what the plan names where it names none, less what
 * `only` leaves out. `rates` may also be 'best'; then `only` may name others.
 *
 * @param best (network, method, budget) => the learning rate, for stages that take the best
 */
export function rowsOf(plan, stage, only, best) {
  const { networks = Object.keys(plan.networks), methods = Object.keys(plan.methods) } = stage;
  const { budgets = plan.budgets, seeds = plan.seeds, rates = plan.rates } = stage;
  const taken = (list, filter) => list.filter((value) => !filter || filter.includes(String(value)));
  const rows = [];
  for (const budget of taken(budgets, only.budgets))
    for (const seed of taken(seeds, only.seeds))
      for (const network of taken(networks, only.networks))
        for (const method of taken(methods, only.methods)) {
          const own = rates === 'best' ? only.rates?.map(Number) : taken(rates, only.rates);
          const tried = own ?? [best(network, method, budget)];
          for (const lr of tried) {
            const row = { network, method, budget, lr, seed };
            const id = `${method}-p${budget}-lr${lr}-s${seed}`;
            rows.push({ id: `${network}/${id}`, ...row, input: inputOf(plan, row) });
          }
        }
  return rows;
}

/** The file of a row below the folder of results. */
export function rowFile(folder, { id }) {
  return join(folder, `${id}.json`);
}

/**
 * What is known of a row, or null.
 *
 * @throws Error when the file was made with another configuration
 */
export function readRow(folder, row) {
  const file = rowFile(folder, row);
  if (!existsSync(file)) return null;
  const known = JSON.parse(readFileSync(file, 'utf8'));
  if (JSON.stringify(known.input) !== JSON.stringify(row.input))
    throw new Error(`${file} was made with another configuration: remove it, or give the method a new name.`);
  return known;
}

/** Writes a row, whole or not at all. */
export async function writeRow(folder, row) {
  const file = rowFile(folder, row);
  mkdirSync(dirname(file), { recursive: true });
  await writeAtomic(file, `${JSON.stringify(row, null, 1)}\n`);
}

/** Every row that the folder holds. */
export function readRows(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => /^[^/\\]+[/\\][^/\\]+\.json$/.test(name))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
}
