/** The comparison in Markdown: one table a network and budget, and what it takes to reach the reference's best. */

const percent = (value) => (100 * value).toFixed(1);
const shown = (interval) => (interval ? `${percent(interval.mean)} ± ${percent(interval.half)}` : '–');
const signed = (interval) => (interval && interval.mean > 0 ? `+${shown(interval)}` : shown(interval));
const number = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

function line(cells) {
  return `| ${cells.join(' | ')} |`;
}

function table(header, rows) {
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

function budgetTable(entries, plan) {
  const attacks = Object.keys(plan.judge.attacks);
  const compared = ['clean', ...attacks];
  const header = ['method', 'lr', 'seeds', 'passes', 'GFLOP an image', 'seconds', 'clean %'];
  header.push(
    ...attacks.map((name) => `${name} %`),
    ...compared.map((name) => `${name}, against ${plan.reference}`),
  );
  const { decides } = plan.judge;
  const sorted = entries.toSorted((a, b) => b.rates[decides].mean - a.rates[decides].mean);
  return table(
    header,
    sorted.map(({ method, lr, rows, passes, flops, seconds, rates, differences }) => [
      `\`${method}\``,
      lr,
      rows
        .map(({ seed }) => seed)
        .sort((a, b) => a - b)
        .join(', '),
      number(passes),
      number(flops / 1e9),
      number(seconds),
      shown(rates.clean),
      ...attacks.map((name) => shown(rates[name])),
      ...compared.map((name) => signed(differences[name])),
    ]),
  );
}

/** For each method the least it spent to be as robust as the reference ever was. */
function reachTable(entries, plan) {
  const { decides } = plan.judge;
  const robust = (entry) => entry.rates[decides].mean;
  const references = entries.filter(({ method }) => method === plan.reference);
  if (references.length === 0) return [];
  const goal = references.reduce((best, entry) => (robust(entry) > robust(best) ? entry : best));
  const reached = Object.keys(plan.methods).flatMap((name) => {
    const enough = entries.filter((entry) => entry.method === name && robust(entry) >= robust(goal));
    const first = enough.sort((a, b) => a.budget - b.budget)[0];
    if (!first || name === plan.reference) return [];
    const ratio = (axis, unit = 1) => `${number(first[axis] / unit)} (÷ ${number(goal[axis] / first[axis])})`;
    return [
      [`\`${name}\``, shown(first.rates[decides]), ratio('passes'), ratio('flops', 1e9), ratio('seconds')],
    ];
  });
  const sentence = `\`${plan.reference}\` at its best: ${shown(goal.rates[decides])} % under ${decides} with ${number(goal.passes)} passes.`;
  if (reached.length === 0) return [`${sentence} No other method reached that.`];
  const header = ['as robust', `${decides} %`, 'passes', 'GFLOP an image', 'seconds'];
  return [sentence, table(header, reached)];
}

/** The text of README.md. */
export function renderTables(plan, rows, entries) {
  const { count, decides } = plan.judge;
  const machines = new Set(
    rows.map(({ machine }) => `${machine.cpu}, ${machine.cores} cores, ${machine.threads} threads a run`),
  );
  const notes = new Set(rows.map(({ data }) => (data.note ? `${data.name}: ${data.note}` : data.name)));
  const rates = [...new Set(rows.map(({ lr }) => lr))].sort((a, b) => a - b);
  const failed = rows.filter(({ failure }) => failure);
  const parts = [
    `# ${plan.title}`,
    'Written by `node bench/claims/draw.mjs` from the rows beside it (one file a training run: configuration, seed, versions, machine, passes, and one bit an image for each attack). Do not edit.',
    [
      `- Data: ${[...notes].join('; ')}. Judge: the first ${count} test images. Machine: ${[...machines].join('; ')}.`,
      '- A pass is one forward and one backward of one image. Operations are counted from the layers: a forward F, a backward to the image F, a backward to the weights another F, so that an attack pass costs 2 F and a training pass 3 F.',
      '- `±`: 95 %, over images and seeds (Student); with one seed over images alone. Differences are paired: same images, same seeds.',
      rates.length === 1
        ? `- Learning rate: ${rates[0]}.`
        : `- Learning rates: ${rates.join(', ')} were run, not all with every method, budget and seed. The tables show the one with the most seeds, then the best under ${decides}; one with fewer seeds may have come out better. The choice is made on the same images, which flatters every method a little.`,
      '- Seconds were taken on a machine with other work; the rows hold its load.',
      ...failed.map(({ id, failure }) => `- ${id} failed: ${failure}`),
    ].join('\n'),
  ];
  for (const network of new Set(entries.map((entry) => entry.network))) {
    const own = entries.filter((entry) => entry.network === network);
    const { parameters, flops, config } = own[0].rows[0];
    const { architecture, width } = config.model;
    parts.push(
      `## ${network}`,
      `${architecture} of width ${width}: ${parameters} parameters, ${number(flops / 1e6)} MFLOP a forward.`,
      ...(plan.budgets.length > 1 ? reachTable(own, plan) : []),
    );
    for (const budget of [...new Set(own.map((entry) => entry.budget))].sort((a, b) => a - b))
      parts.push(
        `### ${network}, ${budget} passes`,
        budgetTable(
          own.filter((entry) => entry.budget === budget),
          plan,
        ),
      );
  }
  return `${parts.join('\n\n')}\n`;
}
