import { MODEL_DEFAULTS, type ModelConfig, type Truncation } from '@bptt/core';

/** A model and the batches that it is trained on: what all contenders of one table do. */
export interface Workload {
  readonly name: string;
  readonly model: ModelConfig;
  readonly truncation: Truncation;
  /** Words of a sentence, or of a chunk of a lane. */
  readonly T: number;
  /** Sentences or lanes of a step. */
  readonly B: number;
  /** Largest global norm of a gradient; undefined where nothing is clipped. */
  readonly clip: number | undefined;
  /** Whether a step begins with the states that the one before ended with. */
  readonly carried: boolean;
}

/** The tutorial's model: tanh, no biases, one-hot input, 8,000 words, 100 hidden units. */
const TUTORIAL: ModelConfig = { ...MODEL_DEFAULTS, biases: false };
const SENTENCE_WORDS = 20;
const TRUNCATIONS: readonly Truncation[] = [{ kind: 'window', k: 4 }, { kind: 'full' }];
const WORDS = 10_000;
/** As a run without further settings has it: a tenth and two fifths of the vocabulary. */
const ADAPTIVE = { kind: 'adaptive', cutoffs: [WORDS / 10, (2 * WORDS) / 5], divValue: 4 } as const;
const CLIP = 5;

/** A model of embedding and layers of one width, trained on continuous text. */
function continuous(name: string, model: Pick<ModelConfig, 'cell' | 'vocabulary'> & Partial<ModelConfig>, units: { readonly width: number; readonly layers: number }, shape: { readonly T: number; readonly B: number }): Workload {
  const hidden = Array.from({ length: units.layers }, () => units.width);
  return {
    name, model: { ...MODEL_DEFAULTS, input: 'embedding', embedding: units.width, hidden, ...model }, truncation: { kind: 'chunk', k: shape.T }, ...shape, clip: CLIP, carried: true,
  };
}

/** An LSTM of 2 x 200 units, Zaremba's small model. */
export function lstm200(name: string, B: number, model: Partial<ModelConfig> = {}): Workload {
  return continuous(name, { cell: 'lstm', vocabulary: WORDS, ...model }, { width: 200, layers: 2 }, { T: 35, B });
}

function tutorial(name: string, B: number): Workload[] {
  return TRUNCATIONS.map((truncation) => ({ name, model: TUTORIAL, truncation, T: SENTENCE_WORDS, B, clip: undefined, carried: false }));
}

/** Every workload, in the order of the report. */
export const WORKLOADS: readonly Workload[] = [
  ...tutorial('tutorial', 1),
  ...tutorial('tutorial-32', 32),
  lstm200('lstm-200', 20),
  lstm200('lstm-200-adaptive', 20, { head: ADAPTIVE }),
  continuous('gru-256', { cell: 'gru', vocabulary: 5_000 }, { width: 256, layers: 1 }, { T: 32, B: 32 }),
  continuous('lstm-650', { cell: 'lstm', vocabulary: WORDS }, { width: 650, layers: 2 }, { T: 35, B: 20 }),
];

/** Names of the workloads, each once. */
export const WORKLOAD_NAMES: readonly string[] = [...new Set(WORKLOADS.map(({ name }) => name))];

/** Whether it is the tutorial's model, whatever the batch. */
export function isTutorial({ model }: Workload): boolean {
  return model === TUTORIAL;
}
