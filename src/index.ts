/** selfgrad: train image classifiers to withstand adversarial perturbation, and measure how much they do. */
export type { AttackRunOptions, AttackRunResult } from './attack.ts';
export { attack } from './attack.ts';
export type * from './comparison.ts';
export { compare } from './comparison.ts';
export {
  type ApgdCeOptions,
  type ApgdOptions,
  type ApgdTOptions,
  apgdCe,
  apgdDlr,
  apgdT,
} from './config/attacks/apgd.ts';
export type { Attack, AttackInput, ListedAttack, ListedAttackInput } from './config/attacks/attack.ts';
export { type AutoAttackOptions, autoattack } from './config/attacks/autoattack.ts';
export { type CwL2Options, cwL2 } from './config/attacks/cwL2.ts';
export { type CwLinfOptions, cwLinf } from './config/attacks/cwLinf.ts';
export { type DeepFoolOptions, deepFool } from './config/attacks/deepfool.ts';
export { type FabOptions, type FabTOptions, fab, fabT } from './config/attacks/fab.ts';
export { type FgsmOptions, fgsm } from './config/attacks/fgsm.ts';
export { type MiFgsmOptions, miFgsm } from './config/attacks/miFgsm.ts';
export { type PgdOptions, pgd } from './config/attacks/pgd.ts';
export { type RandomOptions, random } from './config/attacks/random.ts';
export { type SquareOptions, square } from './config/attacks/square.ts';
export type { AttackTarget, TargetOptions } from './config/attacks/target.ts';
export type {
  GradientAttack,
  GradientAttackInput,
  TransferAttack,
  TransferOptions,
} from './config/attacks/transfer.ts';
export type { Config, ConfigInput } from './config/config.ts';
export type { MaskingConfig, MaskingInput } from './config/masking.ts';
export type { ModelConfig, ModelInput } from './config/model.ts';
export { defineConfig } from './config/moduleFile.ts';
export type { NetworkLayer, NetworkLayerInput } from './config/networkLayers.ts';
export { type PresetName, presetNames } from './config/presets.ts';
export type { CertifyConfig, StabilityConfig, StabilityInput } from './config/stability.ts';
export { type AttaStrategyOptions, atta } from './config/strategies/atta.ts';
export { type FgsmRsStrategyOptions, fgsmRs } from './config/strategies/fgsmRs.ts';
export { type FreeStrategyOptions, freeTraining } from './config/strategies/free.ts';
export { type GradalignStrategyOptions, gradalign } from './config/strategies/gradalign.ts';
export { type MartStrategyOptions, mart } from './config/strategies/mart.ts';
export { type NFgsmStrategyOptions, nFgsm } from './config/strategies/nFgsm.ts';
export { type PgdStrategyOptions, pgdTraining } from './config/strategies/pgd.ts';
export { type SelfGradientStrategyOptions, selfGradient } from './config/strategies/selfGradient.ts';
export { standard } from './config/strategies/standard.ts';
export type { Strategy, StrategyInput } from './config/strategies/strategy.ts';
export { type TradesStrategyOptions, trades } from './config/strategies/trades.ts';
export type { Threat, ThreatInput } from './config/threat.ts';
export { type ArraysOptions, openArrays } from './data/arrays.ts';
export { Dataset, type DatasetOptions } from './data/dataset.ts';
export { type DecodedImage, type DecodeOptions, type ImageDecoder, loadDecoder } from './data/decodeImage.ts';
export { type FetchDataOptions, type FetchedData, fetchData } from './data/fetch/fetchData.ts';
export type { Layout } from './data/layout.ts';
export { type DataSource, dataSources, type OpenDataOptions, openData } from './data/open.ts';
export type { ImageBatch, Source, Split } from './data/source.ts';
export type { Storage } from './data/storage.ts';
export { type ErrorCode, SelfgradError } from './errors.ts';
export type { ImagesDocument } from './evaluate/imageFolder.ts';
export { mergeEvaluations } from './evaluate/merge.ts';
export type { EvaluateOptions } from './evaluate.ts';
export { evaluate } from './evaluate.ts';
export type * from './evaluation.ts';
export type { TrainEvent } from './events.ts';
export { exportOnnx } from './exportOnnx.ts';
export { type FunctionModelOptions, functionModel, type ModelFunction } from './functionModel.ts';
export type { MaskingOptions } from './masking.ts';
export { masking } from './masking.ts';
export type * from './maskingAnalysis.ts';
export type { MeasurementOptions, MeasurementRecord } from './measurement.ts';
export {
  type LayerCost,
  loadModel,
  Model,
  type ModelOrigin,
  type Normalisation,
  type PredictOptions,
} from './model.ts';
export type { Prediction, PredictResult } from './prediction.ts';
export { type Preprocessing, preprocessedModel } from './preprocessedModel.ts';
export { type CardInput, type ModelCard, modelCard } from './report/card.ts';
export { renderCard } from './report/cardMarkdown.ts';
export { type ComparisonInput, renderComparison } from './report/comparisonPage.ts';
export { type ReportInput, renderReport } from './report/html.ts';
export type { MaskingFindings } from './report/masking.ts';
export { renderMasking } from './report/maskingTable.ts';
export { type RobustBenchRecord, robustBenchRecord } from './report/robustBench.ts';
export type { StabilityFindings } from './report/stability.ts';
export { renderStability } from './report/stabilityTable.ts';
export { renderTable } from './report/table.ts';
export type { SavedImage } from './savedImages.ts';
export type { StabilityOptions } from './stability.ts';
export { stability } from './stability.ts';
export type * from './stabilityAnalysis.ts';
export type { StateDictOptions } from './stateDict.ts';
export { loadTorchScript, type TorchScriptOptions } from './torchScript.ts';
export { type TrainOptions, type TrainResult, type TrainRun, train } from './train.ts';
export { type ChosenAttack, type ChosenAttackInput, transfer } from './transfer.ts';
