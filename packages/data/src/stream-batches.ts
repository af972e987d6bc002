import { BpttError, type Microshard } from '@bptt/core';
import type { BatchSource } from './batch-source.js';
import { emptyMicroshard, fillColumn } from './microshards.js';
import type { Split } from './split.js';

export interface StreamOptions {
  /** Lanes side by side. */
  readonly batch: number;
  readonly microshards: number;
  /** Tokens of every lane that a step reads. */
  readonly k: number;
}

/**
 * The text as one stream in `batch` lanes of neighbouring tokens, whose lengths differ by at most one. Step `s` of an epoch reads the tokens
 * `[s k, (s + 1) k)` of every lane; lane `b` belongs to the same column of the same microshard at every step. A position whose next token is
 * SENTENCE_START is read and has no target; the end of an epoch is padded.
 */
export function planStream(split: Split, { batch, microshards, k }: StreamOptions): BatchSource {
  // The last token of the text is predicted, but never read.
  const positions = split.length - 1;
  if (positions < batch * k) {
    throw new BpttError('invalid-argument', `batch: expected at most ${String(Math.max(0, Math.floor(positions / k)))} lanes (a text of ${String(positions)} tokens in chunks of ${String(k)}), got ${String(batch)}`);
  }
  const laneBegin = (lane: number): number => Math.floor((lane * positions) / batch);
  const firstLane = (index: number): number => Math.floor((index * batch) / microshards);
  const columns = Math.ceil(batch / microshards);
  return {
    stepsPerEpoch: Math.ceil(Math.ceil(positions / batch) / k),
    cut: (_epoch, position) => Array.from({ length: microshards }, (_, index) => cutMicroshard(index, position)),
  };

  function cutMicroshard(index: number, position: number): Microshard | undefined {
    const microshard = emptyMicroshard(index, k, columns);
    let read = 0;
    for (let lane = firstLane(index); lane < firstLane(index + 1); lane += 1) {
      const begin = laneBegin(lane) + position * k;
      const end = Math.min(begin + k, laneBegin(lane + 1));
      if (end <= begin) continue;
      const column = lane - firstLane(index);
      microshard.sequences[column] = lane;
      fillColumn(microshard, column, split.readTokens(begin, end + 1));
      read += end - begin;
    }
    return read === 0 ? undefined : microshard;
  }
}
