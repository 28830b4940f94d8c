/** From rows to what the table and the pictures show: one entry for each network, method and budget. */
import { unpackBits } from './bits.mjs';
import { meanInterval, pairedInterval } from './statistics.mjs';

/** Outcomes of an attack, `[seed][image]`; null where one of the rows lacks it. */
function outcomes(rows, attack) {
  if (attack !== 'clean' && rows.some(({ outcomes }) => !outcomes.attacks[attack])) return null;
  return rows.map(({ outcomes: { count, clean, attacks } }) =>
    unpackBits(attack === 'clean' ? clean : attacks[attack].robust, count),
  );
}

function groupBy(rows, key) {
  const groups = new Map();
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row]);
  return [...groups.values()];
}

/** Rows with the judge's verdict, for one learning rate each; a run that diverged is in none. */
function candidates(rows, attack) {
  return groupBy(
    rows.filter(({ failure, outcomes }) => !failure && outcomes.attacks[attack]),
    ({ lr }) => lr,
  ).map((group) => ({ rows: group, ...meanInterval(outcomes(group, attack)) }));
}

/**
 * The learning rate that a network's method shall have at a budget: the one that came out best on the first seed at
 * the nearest budget at which several were tried.
 *
 * @throws Error when none was
 */
export function bestRate(all, attack, network, method, budget) {
  const tried = all.filter((row) => row.network === network && row.method === method);
  const distance = (rows) => Math.abs(Math.log(rows[0].budget / budget));
  const rates = (rows) => new Set(rows.map(({ lr }) => lr)).size;
  const searches = groupBy(tried, (row) => row.budget)
    .map((rows) => rows.filter(({ seed }) => seed === Math.min(...rows.map((row) => row.seed))))
    .sort((a, b) => Math.min(rates(b), 2) - Math.min(rates(a), 2) || distance(a) - distance(b));
  const found = candidates(searches[0] ?? [], attack);
  if (found.length === 0)
    throw new Error(
      `No learning rate of ${method} was measured on ${network}: run the stage that screens it.`,
    );
  return found.sort((a, b) => b.mean - a.mean)[0].rows[0].lr;
}

const average = (rows, value) => rows.reduce((sum, row) => sum + value(row), 0) / rows.length;

/** Forward, backward to the image and backward to the weights each cost the forward's operations. */
export function flopsPerImage({ flops, train: { passes, weightGradients }, data }) {
  return (flops * (passes.forward + passes.backward + weightGradients)) / data.trainCount;
}

/**
 * The entries, for each method and budget those of the learning rate with the most seeds, then the most robust.
 * An entry: rows, passes, flops and seconds (means over seeds), `rates` by attack and the paired `differences` to the
 * reference at equal passes, both as `{ mean, half, seeds }` or null.
 */
export function summarize(all, { reference, judge: { attacks, decides } }) {
  const names = ['clean', ...Object.keys(attacks)];
  const entries = groupBy(all, ({ network, method, budget }) => JSON.stringify([network, method, budget]))
    .map((rows) => candidates(rows, decides).sort((a, b) => b.seeds - a.seeds || b.mean - a.mean)[0]?.rows)
    .filter((rows) => rows !== undefined)
    .map((rows) => ({
      rows,
      network: rows[0].network,
      method: rows[0].method,
      budget: rows[0].budget,
      lr: rows[0].lr,
      passes: average(rows, ({ train, data }) => train.passes.backward / data.trainCount),
      flops: average(rows, flopsPerImage),
      seconds: average(rows, ({ train }) => train.seconds),
      rates: Object.fromEntries(
        names.map((name) => {
          const runs = outcomes(rows, name);
          return [name, runs && meanInterval(runs)];
        }),
      ),
    }));
  return entries.map((entry) => {
    const other = entries.find(
      ({ network, method, budget }) =>
        network === entry.network && method === reference && budget === entry.budget,
    );
    const paired = (name) => {
      if (!other || other === entry) return null;
      const pairs = entry.rows.flatMap((row) => other.rows.filter(({ seed }) => seed === row.seed));
      const mine = entry.rows.filter((row) => pairs.some(({ seed }) => seed === row.seed));
      const [a, b] = [outcomes(mine, name), outcomes(pairs, name)];
      return a && b && a.length > 0 ? pairedInterval(a, b) : null;
    };
    return { ...entry, differences: Object.fromEntries(names.map((name) => [name, paired(name)])) };
  });
}
