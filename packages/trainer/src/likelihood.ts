/** How likely a model finds some tokens. */
export interface Likelihood {
  /** `-log P` of all tokens together. */
  readonly nats: number;
  readonly natsPerToken: number;
  /** `exp(natsPerToken)`. */
  readonly perplexity: number;
  /** Bits for each Unicode code point of the text; undefined where they were not counted. */
  readonly bitsPerCharacter: number | undefined;
}

/** @param characters code points of the text, where they were counted */
export function likelihoodOf(nats: number, tokens: number, characters: number | undefined): Likelihood {
  const natsPerToken = nats / tokens;
  return { nats, natsPerToken, perplexity: Math.exp(natsPerToken), bitsPerCharacter: characters === undefined ? undefined : nats / Math.LN2 / characters };
}

/** Unicode code points of a text. */
export function countCharacters(text: string): number {
  let count = 0;
  for (const character of text) if (character !== '') count += 1;
  return count;
}
