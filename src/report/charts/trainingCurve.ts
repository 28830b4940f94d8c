/** How training went: accuracy and loss against forward and backward passes, with the epochs marked. */
import { percent } from '../format.ts';
import type { TrainingHistory } from '../history.ts';
import type { Markup } from '../markup.ts';
import { type AxisTick, type LineChart, type LineSeries, sideBySide } from './lineChart.ts';

/** More epoch lines than this would be a grey area. */
const maxMarks = 12;

function epochMarks(epochs: TrainingHistory['epochs']): AxisTick[] {
  const step =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((size) => epochs.length / size <= maxMarks) ?? 5000;
  return epochs
    .filter(({ epoch }) => epoch % step === 0)
    .map(({ epoch, x }) => ({ value: x, text: String(epoch) }));
}

function accuracyChart({
  accuracy,
  clean,
  robust,
}: TrainingHistory): Pick<LineChart, 'series' | 'description'> {
  const series: LineSeries[] = [
    { name: 'training', tone: 'train', points: accuracy },
    { name: 'clean', tone: 'clean', points: clean },
    { name: 'robust', tone: 'robust', points: robust },
  ];
  const ends = series
    .filter(({ points }) => points.length > 0)
    .map(({ name, points }) => `${name} ${percent(points.at(-1)!.y)}`);
  return { series, description: `Accuracy at the end of training: ${ends.join(', ')}.` };
}

function lossChart({ loss }: TrainingHistory): Pick<LineChart, 'series' | 'description'> {
  const [first, last] = [loss[0], loss.at(-1)];
  return {
    series: [{ name: 'loss', tone: 'neutral', points: loss }],
    description: `The training loss went from ${first?.y.toFixed(3)} to ${last?.y.toFixed(3)}.`,
  };
}

/** Two charts side by side: accuracy (training, validation clean and robust) and training loss. */
export function trainingCurve(history: TrainingHistory): Markup {
  const xLabel = 'forward + backward passes, all images';
  const marks = epochMarks(history.epochs);
  const highestLoss = Math.max(0, ...history.loss.map(({ y }) => y)) || 1;
  const charts: LineChart[] = [
    {
      id: 'training-accuracy',
      title: 'Accuracy during training',
      yLabel: 'accuracy',
      yMax: 1,
      yFormat: (value) => percent(value, 0),
      xLabel,
      marks,
      marksName: 'epoch',
      ...accuracyChart(history),
    },
    {
      id: 'training-loss',
      title: 'Loss during training',
      yLabel: 'training loss',
      yMax: highestLoss,
      yFormat: (value) => String(Number(value.toFixed(2))),
      xLabel,
      marks,
      marksName: 'epoch',
      ...lossChart(history),
    },
  ];
  return sideBySide(charts);
}
