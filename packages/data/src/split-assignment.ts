import type { SplitName } from './sources.js';

/** Sentences of a block: neighbours stay together, so that a split reads as text. */
const BLOCK_SENTENCES_MAX = 100;
const BLOCKS_PER_CYCLE = 20;
const VALID_BLOCK = 9;
const TEST_BLOCK = 19;

/** Fewest sentences that give each split one. */
export const SPLIT_SENTENCES_MIN = 3;

/**
 * To which split each sentence of one text of `count` sentences belongs: of every 20 blocks of up to 100 sentences the tenth is validation and
 * the last test. It depends on the text alone. A text of 3 to 19 sentences gives its last two; a shorter one is all training.
 */
export function assignSplits(count: number): (sentence: number) => SplitName {
  if (count < SPLIT_SENTENCES_MIN) return () => 'train';
  if (count < BLOCKS_PER_CYCLE) return (sentence) => (sentence === count - 1 ? 'test' : sentence === count - 2 ? 'valid' : 'train');
  const blockSentences = Math.min(BLOCK_SENTENCES_MAX, Math.floor(count / BLOCKS_PER_CYCLE));
  return (sentence) => {
    const block = Math.floor(sentence / blockSentences) % BLOCKS_PER_CYCLE;
    return block === VALID_BLOCK ? 'valid' : block === TEST_BLOCK ? 'test' : 'train';
  };
}
