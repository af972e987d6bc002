import { setImmediate } from 'node:timers/promises';
import {
  BpttError, countSequences, jacobianBounds, measureGradientFlow, measureJacobians, measureSaturation, measureTruncationLoss, recurrentSpectra, stateSize,
  type Backend, type FlowSeries, type JacobianBound, type JacobianSeries, type MeasuredBatch, type MeasuredModel, type RecurrentSpectrum, type Saturation, type TruncationLoss,
} from '@bptt/core';
import { planSample, type Split } from '@bptt/data';
import type { z } from 'zod';
import { throwIfInterrupted } from './interruption.js';
import { measurementSettings, type measurementSchema, type SentenceReach } from './measurement-settings.js';

/** What of a model is measured; each setting has a default. */
export interface MeasureOptions extends z.input<typeof measurementSchema> {
  readonly signal?: AbortSignal | undefined;
}

/** How errors flow back in time through a trained model, on some sentences of a text. */
export interface Measurement {
  /** Sentences that were looked at; each reaches back over all `lags`. */
  readonly sentences: number;
  /** Their targets. */
  readonly tokens: number;
  /** Farthest lag of `flow`. */
  readonly lags: number;
  /** Moments at which Jacobians were asked for. */
  readonly jacobianSamples: number;
  /** Of every layer and part of its carry. */
  readonly flow: readonly FlowSeries[];
  /** Of every layer; of an LSTM for the state and for the whole carry. */
  readonly jacobians: readonly JacobianSeries[];
  /** Of every layer and gate. */
  readonly spectra: readonly RecurrentSpectrum[];
  /** Of every layer. */
  readonly bounds: readonly JacobianBound[];
  /** Of every layer and nonlinearity. */
  readonly saturation: readonly Saturation[];
  /** Of every truncation that was asked for. */
  readonly truncations: readonly TruncationLoss[];
}

/** Sentences side by side, at most. */
const COLUMNS_MAX = 32;
/** Numbers that the errors of one run may have, at most (64 MiB). */
const ERRORS_MAX = 1 << 24;

/**
 * Measures a model on sentences of a split, each from a state of zeros (`docs/math/bptt.md` section 12).
 * @throws BpttError `invalid-argument` for a split without sentences, bad settings and lags beyond its sentences; InterruptedError
 */
export async function measureModel(trained: MeasuredModel, split: Split, { signal, ...given }: MeasureOptions = {}): Promise<Measurement> {
  if (split.tokens === 0) throw new BpttError('invalid-argument', 'measure: expected at least one sentence, got none');
  const reach = reachOf(split);
  const { lags, sentences, seed, jacobianLags, jacobianSamples, truncations } = measurementSettings(given, reach);
  const { model, parameters } = trained;
  const columns = Math.max(1, Math.min(COLUMNS_MAX, Math.floor(ERRORS_MAX / ((lags + 1) * (reach.longest + 1) * stateSize(model, 1)))));
  const plan = planSample(split, { sentences, tokensMin: lags + 1, columns, seed });
  const batches = Array.from({ length: plan.count }, (_, i): MeasuredBatch => ({ microshard: plan.microshard(i) }));
  const measured = { model, parameters, backend: interruptible(trained.backend, signal) };
  const spectra = recurrentSpectra(model, parameters);
  return {
    sentences: batches.reduce((sum, { microshard }) => sum + countSequences(microshard), 0),
    tokens: plan.tokens,
    lags,
    jacobianSamples,
    flow: await measureGradientFlow(measured, batches, { lagMax: lags }),
    jacobians: await measureJacobians(measured, batches, { lags: jacobianLags, samples: jacobianSamples, seed }),
    spectra,
    bounds: jacobianBounds(model, spectra),
    saturation: await measureSaturation(measured, batches),
    truncations: await measureTruncationLoss(measured, batches, truncations),
  };
}

function reachOf(split: Split): SentenceReach {
  // A sentence of n tokens is read over n - 1 steps; from the last of them errors go back n - 2.
  const ascending = Float64Array.from({ length: split.sentences }, (_, i) => split.sentenceLength(i) - 2).sort();
  return { longest: ascending[ascending.length - 1], tenth: ascending[ascending.length - Math.ceil(ascending.length / 10)] };
}

/** The same backend, which stops between two programs once `signal` is aborted. */
function interruptible(backend: Backend, signal: AbortSignal | undefined): Backend {
  return {
    id: backend.id,
    executes: backend.executes,
    setParameters: (layout, values) => { backend.setParameters(layout, values); },
    async run(program, inputs) {
      await setImmediate(); // lets a signal come in
      throwIfInterrupted(signal, 'measuring');
      return backend.run(program, inputs);
    },
    dispose: () => { backend.dispose(); },
  };
}
