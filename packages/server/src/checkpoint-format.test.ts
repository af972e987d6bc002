import { initializeParameters, layOut, optimizerConfig, parameterLayout } from '@bptt/core';
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from '@bptt/interop';
import { describe, expect, it } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint, floatsSha256, type Checkpoint } from './checkpoint-format.js';
import { runId } from './run-config.js';
import { assertCheckpointFits } from './run-start.js';
import { FIRST_CURSOR } from './run-state.js';
import { tinyConfig, tinyData } from './testing/tiny-run.js';

const config = tinyConfig({ optimizer: optimizerConfig('adam'), schedule: { kind: 'plateau', factor: 2 } });
const layout = parameterLayout(config.model);
const filled = (value: number): Float32Array => new Float32Array(layout.size).fill(value);
const parameters = initializeParameters(config.model, 1);
const checkpoint: Checkpoint = {
  origin: { runId: runId(config, 'random-words', 'reference/1'), backendId: 'reference/1', corpusHash: 'random-words', configJson: JSON.stringify(config), vocabularySha256: 'cd' },
  cursor: { ...FIRST_CURSOR, step: 7, updates: 6, scheduledStep: 4, validation: { ...FIRST_CURSOR.validation, bestLoss: 1.2345678901234567 }, averagingFrom: 3 },
  parameters,
  parametersSha256: floatsSha256(parameters),
  iterate: filled(2),
  slots: { firstMoment: filled(3), secondMoment: filled(4) },
  best: filled(5),
  states: [undefined, Float32Array.of(6, 7), undefined],
};
const encoded = encodeCheckpoint(layout, checkpoint);

/** The checkpoint with other tensors, under its old hash or under a new one. */
function withTensors(change: (tensors: readonly NamedTensor[]) => readonly NamedTensor[]): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(encoded);
  return encodeSafetensors(change(tensors), metadata);
}

describe('a checkpoint', () => {
  it('comes back from its bytes', () => {
    expect(decodeCheckpoint(layout, encoded)).toEqual(checkpoint);
    const plain = { ...checkpoint, iterate: undefined, slots: {}, best: undefined, states: [] };
    expect(decodeCheckpoint(layout, encodeCheckpoint(layout, plain))).toEqual(plain);
  });

  it('has nothing but the names of PyTorch outside of `bptt.`, where all is flat', () => {
    const { tensors } = decodeSafetensors(encoded);
    const names = tensors.map(({ name }) => name);
    expect(names.filter((name) => !name.startsWith('bptt.'))).toEqual(layout.tensors.map(({ name }) => name));
    expect(names.filter((name) => name.startsWith('bptt.'))).toEqual(['bptt.states', 'bptt.optimizer.firstMoment', 'bptt.optimizer.secondMoment', 'bptt.iterate', 'bptt.best']);
    for (const { name, shape } of tensors) if (name.startsWith('bptt.')) expect(shape).toHaveLength(1);
  });

  it.each<[string, () => Uint8Array, RegExp]>([
    ['a changed parameter', () => withTensors(([first, ...rest]) => [{ ...first, values: first.values.map((value) => value + 1) }, ...rest]), /expected sha256 [0-9a-f]{64}, got [0-9a-f]{64}/],
    ['a changed slot', () => withTensors((tensors) => tensors.map((tensor) => (tensor.name === 'bptt.optimizer.firstMoment' ? { ...tensor, values: filled(9) } : tensor))), /expected sha256/],
    ['a missing slot', () => withTensors((tensors) => tensors.filter(({ name }) => name !== 'bptt.optimizer.firstMoment')), /expected sha256/],
    ['swapped names', () => withTensors((tensors) => tensors.map((tensor) => ({ ...tensor, name: { 'bptt.iterate': 'bptt.best', 'bptt.best': 'bptt.iterate' }[tensor.name] ?? tensor.name }))), /expected sha256/],
    ['another format', () => encodeSafetensors([], { format: 'bptt-checkpoint/1' }), /expected format bptt-checkpoint\/2, got "bptt-checkpoint\/1"/],
    ['a slot of another length', () => encodeCheckpoint(layout, { ...checkpoint, slots: { firstMoment: Float32Array.of(1) } }), /bptt.optimizer.firstMoment: expected \d+ values, as many as the model has parameters, got 1/],
    ['best parameters of another length', () => encodeCheckpoint(layout, { ...checkpoint, best: Float32Array.of(1) }), /bptt.best: expected/],
  ])('is refused with %s', (_what, spoil, message) => {
    expect(() => decodeCheckpoint(layout, spoil())).toThrow(expect.objectContaining({ code: 'data-loss', message: expect.stringMatching(message) as string }) as Error);
  });

  it('is refused for another layout', () => {
    expect(() => decodeCheckpoint(layOut([{ name: 'w', shape: [2] }]), encoded)).toThrow('state dict: expected');
  });
});

describe('assertCheckpointFits', () => {
  const options = { config, data: tinyData(config), vocabularyJson: [], runDirectory: '', backendId: 'reference/1', stepsTotal: 9, onEvent: () => undefined };

  it.each<[string, Partial<Checkpoint>, string]>([
    ['slots of another optimiser', { slots: { velocity: filled(1) } }, 'slots of the optimiser: expected "firstMoment,secondMoment", got "velocity"'],
    ['no iterate beside an average', { iterate: undefined }, 'an iterate beside the average: expected true, got false'],
    ['no best parameters', { best: undefined }, 'best parameters: expected true, got false'],
    ['states of other microshards', { states: [] }, 'carried states: expected 3, got 0'],
  ])('refuses %s', (_what, change, message) => {
    assertCheckpointFits(checkpoint, options);
    expect(() => { assertCheckpointFits({ ...checkpoint, ...change }, options); }).toThrow(expect.objectContaining({ code: 'data-loss', message: `checkpoint: ${message}` }) as Error);
  });

  it('refuses a checkpoint of another run', () => {
    expect(() => { assertCheckpointFits({ ...checkpoint, origin: { ...checkpoint.origin, runId: 'other' } }, options); }).toThrow(expect.objectContaining({ code: 'failed-precondition' }) as Error);
  });
});
