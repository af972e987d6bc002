/** A model and how it is trained, to see how soon it is good. */
export interface QualityRecipe {
  readonly name: string;
  /** Options of `bptt train`. */
  readonly options: Readonly<Record<string, string | number>>;
}

/** The LSTM of `docs/results.md`, at the learning rate that was best there. */
const LSTM = {
  cell: 'lstm', 'forget-bias': 1, input: 'embedding', embedding: 128, hidden: 128, vocabulary: 5_000, truncation: 'chunk:35', batch: 20, microshards: 2, optimizer: 'adam', lr: 0.01,
} as const;

/** The best recipe that is known for each head. */
export const QUALITY_RECIPES: readonly QualityRecipe[] = [
  { name: 'softmax', options: { ...LSTM, head: 'softmax' } },
  { name: 'adaptive', options: { ...LSTM, head: 'adaptive' } },
];

export const QUALITY_CORPUS = 'dataset:sotu';
/** Validation perplexities whose time is taken, falling. */
export const QUALITY_TARGETS: readonly number[] = [200, 150];
/** Reached within a minute, for a trial. */
export const QUICK_TARGETS: readonly number[] = [700, 500];
