import { ACTIVATIONS, BpttError, CELLS, LAYERS_MAX, parseInitializer, parseTruncation, REDUCTIONS, SIZE_MAX, type HeadConfig, type Initialization, type ModelConfig, type Objective } from '@bptt/core';
import type { z } from 'zod';
import { onOff, oneOf, realNumber, textRead, wholeNumber, wholeNumbers } from './settings-schema.js';

const DIV_VALUE_DEFAULT = 4;

/** Settings that fix the model, but for its vocabulary. A text is words: vectors and last-step heads are for programs. */
export const modelShape = {
  cell: oneOf(CELLS).default('rnn').meta({ flags: '--cell <name>', help: 'recurrent cell: rnn (vanilla), gru or lstm' }),
  activation: oneOf(ACTIVATIONS).default('tanh').meta({ flags: '--activation <name>', help: 'nonlinearity of cell rnn: tanh, relu or sigmoid' }),
  resetBefore: onOff().default(false).meta({ flags: '--reset-before', help: 'reset gate of cell gru before the recurrent product (Cho et al.) instead of after it (PyTorch)' }),
  hidden: wholeNumbers(1, SIZE_MAX).default([128]).meta({ flags: '--hidden <units>', help: 'hidden units of a layer, or of each layer: 200 or 400,200', defaultText: '128' }),
  layers: wholeNumber(1, LAYERS_MAX).optional().meta({ flags: '--layers <count>', help: 'recurrent layers', defaultText: '1, or as many as --hidden names' }),
  input: oneOf(['onehot', 'embedding']).default('onehot').meta({ flags: '--input <kind>', help: 'how a word enters: onehot or embedding' }),
  embedding: wholeNumber(1, SIZE_MAX).default(128).meta({ flags: '--embedding <width>', help: 'width of the embedding, with --input embedding' }),
  tied: onOff().default(false).meta({ flags: '--tied', help: 'the output matrix is the embedding' }),
  biases: onOff().default(true).meta({ flags: '--biases', help: 'biases in cell and output layer' }),
  head: oneOf(['softmax', 'adaptive']).default('softmax').meta({ flags: '--head <kind>', help: 'output layer: softmax or adaptive (Grave et al.), which is cheaper for many words' }),
  cutoffs: wholeNumbers(1, SIZE_MAX).optional().meta({ flags: '--cutoffs <words>', help: 'first word of each tail of head adaptive: 2000,5000', defaultText: 'a tenth and two fifths of the vocabulary' }),
  divValue: realNumber(1, 1000).optional().meta({ flags: '--div-value <factor>', help: 'by how much each tail of head adaptive is narrower than the one before', defaultText: String(DIV_VALUE_DEFAULT) }),
};

/** Settings that fix what training differentiates. */
export const objectiveShape = {
  truncation: textRead(parseTruncation, 'full, window:k or chunk:k').default({ kind: 'full' })
    .meta({ flags: '--truncation <rule>', help: 'how far back in time an error flows: full, window:k (at most k steps) or chunk:k (continuous text, k tokens a step)', defaultText: 'full' }),
  reduction: oneOf(REDUCTIONS).default('tokenMean').meta({ flags: '--reduction <kind>', help: 'loss of a batch: tokenMean, or sentenceSum (mean over sentences or lanes of their sums)' }),
  dropout: realNumber(0, 1).default(0).meta({ flags: '--dropout <share>', help: 'share of units that a step drops, on all connections but the recurrent ones and one-hot words' }),
  variational: onOff().default(false).meta({ flags: '--variational', help: 'one dropout mask for all steps of a sequence' }),
  ar: realNumber(0, 1e6).default(0).meta({ flags: '--ar <weight>', help: 'activation regularisation: weight of the mean square of the top states' }),
  tar: realNumber(0, 1e6).default(0).meta({ flags: '--tar <weight>', help: 'temporal activation regularisation: weight of the mean square of their changes' }),
  omega: realNumber(0, 1e6).default(0).meta({ flags: '--omega <weight>', help: "weight of Pascanu's penalty, which keeps errors from vanishing; with cell rnn and truncation full" }),
};

/** Settings that fix the first parameters, but for the seed. */
export const initializationShape = {
  init: textRead(parseInitializer, 'an initialiser').default({ kind: 'uniformFanIn' })
    .meta({ flags: '--init <rule>', help: 'how parameters begin: uniformFanIn, uniform:a, xavier, orthogonal, identity (for relu) or spectralRadius:r', defaultText: 'uniformFanIn' }),
  forgetBias: realNumber(-1000, 1000).optional().meta({ flags: '--forget-bias <number>', help: 'what the forget gates of cell lstm begin with', defaultText: 'drawn as other biases' }),
};

type Output<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>;
export type ModelSettings = Output<typeof modelShape> & { readonly vocabulary: number };
export type ObjectiveSettings = Output<typeof objectiveShape>;
export type InitializationSettings = Output<typeof initializationShape>;

/**
 * The model that settings describe.
 * @throws BpttError `invalid-argument` where settings contradict each other
 */
export function modelOf(settings: ModelSettings): ModelConfig {
  const { cell, activation, resetBefore, biases, input, vocabulary, embedding, tied } = settings;
  return { cell, activation, resetBefore, biases, input, vocabulary, embedding, hidden: layerSizes(settings), tied, head: headConfigOf(settings) };
}

/** What the settings say is differentiated. */
export function objectiveOf({ truncation, reduction, dropout, variational, ar, tar, omega }: ObjectiveSettings): Objective {
  return { truncation, reduction, dropout, variational, ar, tar, omega };
}

/** How the settings let parameters begin. */
export function initializationOf({ init, forgetBias }: InitializationSettings): Initialization {
  return { init, ...(forgetBias !== undefined && { forgetBias }) };
}

function layerSizes({ hidden, layers }: Pick<ModelSettings, 'hidden' | 'layers'>): readonly number[] {
  if (hidden.length === 1) return Array.from({ length: layers ?? 1 }, () => hidden[0]);
  if (layers === undefined || layers === hidden.length) return hidden;
  throw new BpttError('invalid-argument', `layers: expected ${String(hidden.length)}, as many as hidden names, got ${String(layers)}`);
}

function headConfigOf({ head, cutoffs, divValue, vocabulary }: ModelSettings): HeadConfig {
  if (head === 'adaptive') {
    const shares = [Math.floor(vocabulary / 10), Math.floor((2 * vocabulary) / 5)].filter((cutoff) => cutoff > 0);
    return { kind: head, cutoffs: cutoffs ?? shares, divValue: divValue ?? DIV_VALUE_DEFAULT };
  }
  for (const [key, value] of Object.entries({ cutoffs, divValue })) {
    if (value !== undefined) throw new BpttError('invalid-argument', `${key}: expected only with head adaptive, got head ${head}`);
  }
  return { kind: head };
}
