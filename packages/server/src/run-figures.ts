/** What a finished step did, as its figures are made. */
export interface StepWork {
  readonly tokens: number;
  /** Sum of the losses of all targets, in nats. */
  readonly lossSum: number;
  readonly gradientNorm: number;
  /** From the opening of its round to its end, by the clock of the server. */
  readonly elapsedMs: number;
}

/** The latest numbers of a run, NaN until there are any. */
export class RunFigures {
  /** Of the last step, nats per target. */
  trainLoss = NaN;
  /** Of the last validation, nats per target. */
  validLoss = NaN;
  /** Of the last step, before clipping. */
  gradientNorm = NaN;
  /** Of all steps of this server. */
  tokensPerSecond = 0;
  /** Steps whose gradient was not finite. */
  stepsNonFinite = 0;
  #trainedMs = 0;
  #trainedTokens = 0;

  /** Counts a step. */
  addStep({ tokens, lossSum, gradientNorm, elapsedMs }: StepWork): void {
    this.#trainedMs += elapsedMs;
    this.#trainedTokens += tokens;
    this.tokensPerSecond = (1000 * this.#trainedTokens) / this.#trainedMs;
    this.trainLoss = lossSum / tokens;
    this.gradientNorm = gradientNorm;
  }
}
