/** The report of an evaluation. */
import type { Evaluation, Warning } from '../evaluation.ts';
import type { TrainEvent } from '../events.ts';
import { epsCurve } from './charts/epsCurve.ts';
import { outcomeCharts } from './charts/outcomeCharts.ts';
import { trainingCurve } from './charts/trainingCurve.ts';
import { examples } from './examples.ts';
import { explanations, warningList } from './explanations.ts';
import { ofSameNetwork } from './findings.ts';
import { counted, threatText } from './format.ts';
import { headline } from './headline.ts';
import { epochRows, trainingHistory } from './history.ts';
import { type Content, html, type Markup } from './markup.ts';
import { type MaskingFindings, maskingSection } from './masking.ts';
import { renderPage, section } from './page.ts';
import { provenance } from './provenance.ts';
import { type StabilityFindings, stabilitySection } from './stability.ts';
import { attackTable, classTable, epochTable, epsTable } from './tables.ts';

export interface ReportInput {
  evaluation: Evaluation;
  /** The events of the training run; empty for a model whose training is unknown. */
  history: readonly TrainEvent[];
  /** The resolved configuration as a plain object; null or undefined when there is none. */
  config: unknown;
  /** The checks for gradient masking of the same network. Defaults to null: the report has no section on them. */
  masking?: MaskingFindings | null;
  /** The stability analysis of the same network. Defaults to null: the report has no section on it. */
  stability?: StabilityFindings | null;
}

/** Whether the robust figure is to be believed, as far as anything says so. */
function trust({ evaluation, masking = null }: ReportInput): Markup {
  const lines: Content[] = [];
  if (evaluation.warnings.length > 0)
    lines.push(html`<a href="#warnings">${counted(evaluation.warnings.length, 'warning')}</a>`);
  if (masking !== null && ofSameNetwork(masking, evaluation)) {
    const raised = masking.checks.filter((check) => check.raised).length;
    lines.push(
      html`<a href="#masking">gradient masking: ${masking.verdict === 'suspect' ? html`<b class="wrong">suspect</b>` : 'no sign'}</a>, ${raised} of ${counted(masking.checks.length, 'check')} raised`,
    );
  } else lines.push('gradient masking: not checked (selfgrad masking)');
  return html`<p class="trust">${lines.map((line, i) => html`${i > 0 && ' · '}${line}`)}</p>`;
}

function headlines({ clean, robust, attacks, threat }: Evaluation): Markup {
  return html`<div class="headlines">${headline('Clean accuracy', clean, 'clean', `${counted(clean.count, 'image')}, not attacked`)}${
    attacks.length > 0
      ? headline(
          'Robust accuracy',
          robust,
          'robust',
          `worst case over ${counted(attacks.length, 'attack')}, ${threatText(threat)}`,
        )
      : html`<div class="headline"><h2>Robust accuracy</h2><p class="note">No attack was run: nothing is known.</p></div>`
  }</div>`;
}

/** Everything in the report that has an explanation. */
function explained({ evaluation, masking = null, stability = null }: ReportInput): string[] {
  const codes = (warnings: readonly Warning[]) => warnings.map(({ code }) => code);
  return [
    ...codes(evaluation.warnings),
    ...(masking && ofSameNetwork(masking, evaluation) ? masking.checks.map(({ name }) => name) : []),
    ...(stability && ofSameNetwork(stability, evaluation) ? codes(stability.warnings) : []),
  ];
}

function sections(input: ReportInput): Content[] {
  const { evaluation, history, config, masking = null, stability = null } = input;
  const { warnings, epsCurve: curve, threat, perClass, examples: stored, attacks } = evaluation;
  const training = trainingHistory(history);
  const epochs = epochRows(history);
  const outcomes = outcomeCharts(evaluation);
  return [
    warnings.length > 0 && section('warnings', 'Warnings', null, warningList(warnings)),
    section('attacks', 'Attacks', null, attackTable(evaluation)),
    masking !== null && maskingSection(masking, evaluation),
    curve !== null &&
      curve.points.length > 0 &&
      section(
        'eps',
        'Robust accuracy against eps',
        `${curve.attack} on ${counted(curve.count, 'image')}; the band is the 95 % interval. A curve that does not fall to zero at large eps is a sign of a weak attack.`,
        html`<div class="curve-and-table"><figure>${epsCurve(curve, threat)}</figure>${epsTable(curve)}</div>`,
      ),
    outcomes !== null &&
      section(
        'outcomes',
        'Steps and margins',
        'Who stands after so many steps of an attack and all attacks before it: a line that still falls at its end is of an attack with too few steps, and one that broke nothing more has no line. Restarts stand one behind another. Beside it, by how much the wrong class leads on the images that were broken.',
        outcomes,
      ),
    stability !== null && stabilitySection(stability, evaluation),
    training !== null &&
      section(
        'training',
        'Training',
        'Against what it cost: each forward and each backward pass of one image counts as one. Clean and robust are on validation images, with 95 % bands; training is on the images as training perturbed them.',
        html`${trainingCurve(training)}${epochs.length > 0 && html`<details><summary>Each epoch in numbers, with its time</summary>${epochTable(epochs)}</details>`}`,
      ),
    perClass.length > 0 && section('classes', 'Classes', null, classTable(evaluation)),
    attacks.length > 0 &&
      stored.length > 0 &&
      section(
        'examples',
        'Examples',
        'Original and adversarial image, with what the model says and its confidence; the difference, amplified around middle grey; and the gradient of the loss at the original, channels added: orange where a brighter pixel raises the loss, blue where it lowers it, grey where it does nothing. Full colour is the number in the caption: loss a unit of brightness, which goes from 0 to 1.',
        examples(evaluation),
      ),
    section('provenance', 'Provenance', null, provenance(evaluation, config)),
    explanations(explained(input)),
  ];
}

/**
 * Draws an evaluation as one self-contained HTML document: style, charts (SVG) and images (PNG data URIs)
 * are inline, nothing is fetched, and its only script sorts tables. What the input lacks, the document leaves out.
 */
export function renderReport(input: ReportInput): string {
  const { evaluation } = input;
  const { model, data, threat, versions } = evaluation;
  return renderPage({
    title: `${model.architecture} on ${data.name}, ${threatText(threat)}`,
    version: versions.selfgrad,
    header: html`<p class="eyebrow">selfgrad · robustness report</p>
<h1>${model.architecture} <span>on</span> ${data.name}</h1>
<ul class="subject"><li>${threatText(threat)}</li><li>${counted(data.count, 'image')} (${data.split})</li>${data.note !== null && html`<li>${data.note}</li>`}${model.strategy !== null && html`<li>trained with ${model.strategy}</li>`}<li>${counted(model.parameters, 'parameter')}</li><li>seed ${evaluation.seed}</li><li>${evaluation.device}</li></ul>
${headlines(evaluation)}${trust(input)}`,
    main: sections(input),
    footer: `Written by selfgrad ${versions.selfgrad} on ${evaluation.createdAt}.`,
  });
}
