import { assertMicroshard, countTargets, NO_TOKEN, type Microshard } from '@bptt/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planBatches, type Batch, type BatchPlan } from './batches.js';
import { SEQUENCE_LENGTHS } from './microshards.js';
import { memorySplit, type Split } from './split.js';

const FULL = { kind: 'full' } as const;
const V = 5000;

/** Sentences of the given numbers of words; all words are distinct. */
function splitOf(lengths: readonly number[]): Split {
  let word = 3;
  return memorySplit(lengths.map((length) => Int32Array.of(0, ...Array.from({ length }, () => word++), 1)));
}

function present(batch: Batch): Microshard[] {
  return batch.microshards.filter((shard) => shard !== undefined);
}

function epoch(plan: BatchPlan, number = 0): Batch[] {
  return Array.from({ length: plan.stepsPerEpoch }, (_, i) => plan.batch(number * plan.stepsPerEpoch + i));
}

function sequencesOf(batches: readonly Batch[]): number[] {
  return batches.flatMap((batch) => present(batch).flatMap((shard) => [...shard.sequences].filter((sequence) => sequence !== NO_TOKEN)));
}

/** Inputs and targets of one column, without padding. */
function column({ B, T, inputs, targets }: Microshard, b: number): { inputs: number[]; targets: number[] } {
  const at = (ids: Int32Array): number[] => Array.from({ length: T }, (_, t) => ids[t * B + b]).filter((id) => id !== NO_TOKEN);
  return { inputs: at(inputs), targets: at(targets) };
}

const corpora = fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 150 }).filter((lengths) => lengths.reduce((a, b) => a + b, 0) < V - 3);
const cases = corpora.chain((lengths) =>
  fc.integer({ min: 1, max: lengths.length }).chain((batch) => fc.record({ lengths: fc.constant(lengths), batch: fc.constant(batch), microshards: fc.integer({ min: 1, max: batch }), seed: fc.nat() })));

describe('batches of sentences', () => {
  it('hold every sentence exactly once an epoch, whatever the batch and the microshards', () => {
    fc.assert(
      fc.property(cases, ({ lengths, batch, microshards, seed }) => {
        const split = splitOf(lengths);
        const plan = planBatches(split, { batch, microshards, seed, truncation: FULL });
        for (const number of [0, 1]) {
          const batches = epoch(plan, number);
          expect(sequencesOf(batches).sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
          expect(batches.reduce((sum, { counts }) => sum + counts.tokens, 0)).toBe(split.tokens);
          expect(batches.reduce((sum, { counts }) => sum + counts.sequences, 0)).toBe(split.sentences);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('are padded to a fixed set of lengths and to equal columns, sorted by length', () => {
    fc.assert(
      fc.property(cases, ({ lengths, batch, microshards, seed }) => {
        const split = splitOf(lengths);
        for (const step of epoch(planBatches(split, { batch, microshards, seed, truncation: { kind: 'window', k: 4 } }))) {
          expect(step.microshards).toHaveLength(microshards);
          const sorted = sequencesOf([step]).map((sentence) => split.sentenceLength(sentence) * V + sentence);
          expect(sorted).toEqual([...sorted].sort((a, b) => a - b));
          for (const shard of present(step)) {
            assertMicroshard(shard, { inputs: V, targets: V });
            expect(step.microshards[shard.index]).toBe(shard);
            expect(shard.B).toBe(Math.ceil(batch / microshards));
            expect(SEQUENCE_LENGTHS).toContain(shard.T);
            expect(countTargets(shard)).toBeGreaterThan(0);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('read a sentence without its end and predict it without its start', () => {
    const split = splitOf([3, 1, 9]);
    const [step] = epoch(planBatches(split, { batch: 3, microshards: 1, seed: 1, truncation: FULL }));
    const [shard] = present(step);
    expect([...shard.sequences]).toEqual([1, 0, 2]);
    expect(shard.T).toBe(12);
    expect(column(shard, 1)).toEqual({ inputs: [0, 3, 4, 5], targets: [3, 4, 5, 1] });
    expect(step).toMatchObject({ step: 0, epoch: 0, startsEpoch: true, counts: { tokens: 16, transitions: 13, sequences: 3 } });
  });

  it('are a pure function of the step, in whatever order steps are asked for', () => {
    const split = splitOf(Array.from({ length: 100 }, (_, i) => 1 + (i % 17)));
    const options = { batch: 8, microshards: 3, seed: 7, truncation: FULL };
    const plan = planBatches(split, options);
    const forward = [...epoch(plan, 0), ...epoch(plan, 1)];
    for (const step of [25, 0, 13, 12, 25, 3]) {
      expect(plan.batch(step)).toEqual(forward[step]);
      expect(planBatches(split, options).batch(step)).toEqual(forward[step]);
    }
    expect(forward.map(({ startsEpoch }) => startsEpoch).filter(Boolean)).toHaveLength(2);
    expect(forward[13]).toMatchObject({ epoch: 1, startsEpoch: true });
  });

  it('come in another order in another epoch and with another seed', () => {
    const split = splitOf(Array.from({ length: 300 }, (_, i) => 1 + (i % 13)));
    const order = (seed: number, number: number): number[] => sequencesOf(epoch(planBatches(split, { batch: 4, microshards: 2, seed, truncation: FULL }), number));
    expect(order(1, 0)).not.toEqual(order(1, 1));
    expect(order(1, 0)).not.toEqual(order(2, 0));
    expect(order(1, 0)).toEqual(order(1, 0));
  });

  it('have the same sentences whatever the number of microshards', () => {
    const split = splitOf(Array.from({ length: 50 }, (_, i) => 1 + (i % 13)));
    const order = (microshards: number): number[] => sequencesOf(epoch(planBatches(split, { batch: 7, microshards, seed: 3, truncation: FULL })));
    expect(order(1)).toEqual(order(7));
    expect(order(1)).toEqual(order(3));
  });

  it('leave a microshard out where the last batch has too few sentences', () => {
    const plan = planBatches(splitOf([1, 1, 1, 1, 1]), { batch: 4, microshards: 4, seed: 1, truncation: FULL });
    const last = epoch(plan).find(({ counts }) => counts.sequences === 1);
    expect(last?.microshards.filter((shard) => shard === undefined)).toHaveLength(3);
    expect(last?.counts.tokens).toBe(2);
  });

  it('cannot be larger than the corpus', () => {
    expect(() => planBatches(splitOf([1, 2]), { batch: 3, microshards: 1, seed: 1, truncation: FULL })).toThrow('batch: expected at most 2 (sentences of the text), got 3');
    expect(() => planBatches(splitOf([1, 2]), { batch: 1, microshards: 2, seed: 1, truncation: FULL })).toThrow('1 <= microshards <= batch');
  });
});

describe('batches of a stream', () => {
  const streams = fc
    .record({ lengths: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 5, maxLength: 40 }), batch: fc.integer({ min: 1, max: 9 }), k: fc.integer({ min: 1, max: 12 }), microshards: fc.integer({ min: 1, max: 9 }) })
    .filter(({ lengths, batch, k, microshards }) => microshards <= batch && lengths.reduce((a, b) => a + b + 2, 0) > batch * k);

  it('read every token once an epoch, in order, each lane in its own column', () => {
    fc.assert(
      fc.property(streams, ({ lengths, batch, k, microshards }) => {
        const split = splitOf(lengths);
        const batches = epoch(planBatches(split, { batch, microshards, seed: 1, truncation: { kind: 'chunk', k } }));
        const lanes = new Map<string, { inputs: number[]; targets: number[] }>();
        for (const shard of batches.flatMap(present)) {
          assertMicroshard(shard, { inputs: V, targets: V });
          expect([shard.T, shard.B]).toEqual([k, Math.ceil(batch / microshards)]);
          shard.sequences.forEach((lane, b) => {
            if (lane === NO_TOKEN) return;
            const key = `${String(lane)} ${String(shard.index)} ${String(b)}`;
            const read = lanes.get(key) ?? { inputs: [], targets: [] };
            const more = column(shard, b);
            lanes.set(key, { inputs: [...read.inputs, ...more.inputs], targets: [...read.targets, ...more.targets] });
          });
        }
        expect(lanes.size).toBe(batch);
        const ordered = [...lanes].sort(([a], [b]) => parseInt(a) - parseInt(b)).map(([, read]) => read);
        const tokens = [...split.readTokens(0, split.length)];
        expect(ordered.flatMap(({ inputs }) => inputs)).toEqual(tokens.slice(0, -1));
        expect(ordered.flatMap(({ targets }) => targets)).toEqual(tokens.filter((id) => id !== 0));
        expect(batches.reduce((sum, step) => sum + step.counts.tokens, 0)).toBe(split.tokens);
      }),
      { numRuns: 100 },
    );
  });

  it('have the same counts whatever the number of microshards', () => {
    fc.assert(
      fc.property(streams, ({ lengths, batch, k, microshards }) => {
        const countsWith = (K: number): Batch['counts'][] => epoch(planBatches(splitOf(lengths), { batch, microshards: K, seed: 1, truncation: { kind: 'chunk', k } })).map(({ counts }) => counts);
        expect(countsWith(microshards)).toEqual(countsWith(1));
      }),
      { numRuns: 100 },
    );
    // 13 tokens are read in lanes of 3, 3, 3 and 4: in the last step only the last lane has one left.
    const last = (K: number): Batch => planBatches(splitOf([4, 4, 0]), { batch: 4, microshards: K, seed: 1, truncation: { kind: 'chunk', k: 3 } }).batch(1);
    expect([1, 2, 4].map((K) => last(K).counts.sequences)).toEqual([1, 1, 1]);
  });

  it('never predict SENTENCE_START, and pad the end of an epoch', () => {
    const split = splitOf([2, 2, 2]);
    const plan = planBatches(split, { batch: 1, microshards: 1, seed: 1, truncation: { kind: 'chunk', k: 8 } });
    const [first, second] = epoch(plan).flatMap(present);
    expect([...first.inputs]).toEqual([0, 3, 4, 1, 0, 5, 6, 1]);
    expect([...first.targets]).toEqual([3, 4, 1, -1, 5, 6, 1, -1]);
    expect([...second.inputs]).toEqual([0, 7, 8, -1, -1, -1, -1, -1]);
    expect(plan.batch(2)).toMatchObject({ epoch: 1, startsEpoch: true });
    expect(plan.batch(1)).toMatchObject({ epoch: 0, startsEpoch: false, counts: { tokens: 3, sequences: 1 } });
    expect(present(plan.batch(2))[0].inputs).toEqual(first.inputs);
  });

  it('need a text that fills one chunk of every lane', () => {
    const plan = (batch: number): BatchPlan => planBatches(splitOf([2, 2, 2]), { batch, microshards: 1, seed: 1, truncation: { kind: 'chunk', k: 4 } });
    expect(plan(2).stepsPerEpoch).toBe(2);
    expect(() => plan(3)).toThrow('batch: expected at most 2 lanes (a text of 11 tokens in chunks of 4), got 3');
  });
});
