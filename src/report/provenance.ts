/** What a reader needs to trust a number and to get it again: data, machine, versions, command, configuration. */
import type { Evaluation } from '../evaluation.ts';
import { counted, duration, passPair } from './format.ts';
import { html, type Markup } from './markup.ts';

function facts(evaluation: Evaluation): [name: string, value: string | null][] {
  const { model, data, machine, versions } = evaluation;
  return [
    ['model', `${model.architecture}, ${counted(model.parameters, 'parameter')}`],
    ['trained with', model.strategy],
    ['model file', model.path],
    ['model sha256', model.sha256],
    ['data', `${data.name}, ${data.split}, ${counted(data.count, 'image')} of ${data.shape.join(' × ')}`],
    ['data note', data.note],
    ['data sha256', data.sha256],
    ['seed', String(evaluation.seed)],
    ['device', evaluation.device],
    [
      'machine',
      `${machine.cpu}, ${counted(machine.cores, 'core')}, ${counted(machine.threads, 'thread')} used`,
    ],
    ['versions', `selfgrad ${versions.selfgrad}, LibTorch ${versions.libtorch}, Node ${versions.node}`],
    ['cost', [...passPair(evaluation.passes).filter(Boolean), duration(evaluation.seconds)].join(', ')],
    ['measured', evaluation.createdAt],
  ];
}

/** The facts as a list, the command that repeats the evaluation, and the configuration, folded. */
export function provenance(evaluation: Evaluation, config: unknown): Markup {
  const { command } = evaluation;
  return html`<dl>${facts(evaluation).map(([name, value]) => value !== null && html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${command !== null && html`<h3>Reproduce</h3><pre class="command"><code>${command}</code></pre>`}
${config !== undefined && config !== null && html`<details><summary>Configuration</summary><pre><code>${JSON.stringify(config, null, 2)}</code></pre></details>`}`;
}
