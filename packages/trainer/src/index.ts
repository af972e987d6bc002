export type { Evaluation, EvaluationOptions } from './evaluation.js';
export { InterruptedError } from './interruption.js';
export { loadRun, type GeneratedText, type GenerateOptions, type LanguageModel, type LineScore, type LoadOptions } from './language-model.js';
export type { Likelihood } from './likelihood.js';
export type { Measurement, MeasureOptions } from './measurement.js';
export { prepareRun, type PreparedRun, type RunRequest } from './prepare-run.js';
export { serveRun, workHere, type LocalWorkerOptions, type ServeOptions } from './serve-run.js';
export { trainLanguageModel, type TrainedRun, type TrainOptions } from './train-language-model.js';
export type { RunEvent } from '@bptt/server';
