/** An evaluation as a record of RobustBench's model_info (https://github.com/RobustBench/robustbench). */
import { SelfgradError } from '../errors.ts';
import type { Evaluation } from '../evaluation.ts';
import { grouped } from './format.ts';

/** The fields of RobustBench's records, in their order; what only the authors know is empty, to be filled in. */
export interface RobustBenchRecord {
  link: string;
  name: string;
  authors: string;
  /** Whether other images than the training set were used: null, since an evaluation cannot know. */
  additional_data: null;
  number_forward_passes: 1;
  dataset: string;
  venue: string;
  architecture: string;
  eps: string;
  /** Per cent with two decimals, as text. */
  clean_acc: string;
  reported: string;
  autoattack_acc: string;
  footnote: string;
  /** AutoAttack's own alarm was raised. */
  unreliable: boolean;
}

/** Images of the test split that the leaderboard counts. */
const leaderboardCount = 10_000;

/**
 * The record of an evaluation by AutoAttack `standard` in the threat model's norm and radius.
 *
 * @throws SelfgradError `ERR_OPTION` for an evaluation without it: other attacks give no figure for the leaderboard
 */
export function robustBenchRecord(evaluation: Evaluation): RobustBenchRecord {
  const { model, data, threat, clean, suites, warnings } = evaluation;
  const autoattack = suites.find(
    ({ name, options }) =>
      name === 'autoattack' &&
      options.version === 'standard' &&
      options.norm === threat.norm &&
      options.eps === threat.eps,
  );
  if (autoattack === undefined) {
    throw new SelfgradError(
      'ERR_OPTION',
      "Expected an evaluation by AutoAttack standard in the threat model's norm and radius for a RobustBench record but received none.",
      { fix: 'Run selfgrad eval with evaluate.attacks=autoattack first.' },
    );
  }
  const percentText = (share: number) => (100 * share).toFixed(2);
  const accuracy = percentText(autoattack.robust.rate);
  const remarks = [
    clean.count === leaderboardCount ? null : `${grouped(clean.count)} images only.`,
    data.note,
    `Measured with selfgrad ${evaluation.versions.selfgrad}.`,
  ];
  return {
    link: '',
    name: model.strategy ?? '',
    authors: '',
    additional_data: null,
    number_forward_passes: 1,
    dataset: data.name,
    venue: '',
    architecture: model.architecture,
    eps: threat.epsText,
    clean_acc: percentText(clean.rate),
    reported: accuracy,
    autoattack_acc: accuracy,
    footnote: remarks.filter((remark) => remark !== null).join(' '),
    unreliable: warnings.some(({ code }) => code === 'W_SQUARE'),
  };
}
