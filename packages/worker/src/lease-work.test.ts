import { stateSize } from '@bptt/core';
import type { Lease__Output } from '@bptt/rpc';
import { describe, expect, it } from 'vitest';
import { readLease } from './lease-work.js';
import { MODEL, seededMicroshard } from './testing/fixtures.js';
import { leaseOf, microshardMessage } from './testing/scripted-server.js';

const microshards = [4, 5].map(seededMicroshard);
const lease = leaseOf(9, 3, microshards);
const withFirst = (change: Partial<Lease__Output['microshards'][number]>): Lease__Output => ({ ...lease, microshards: [{ ...lease.microshards[0], ...change }] });

describe('readLease', () => {
  it('reads the microshards that the server sent', () => {
    expect(readLease(lease, MODEL)).toEqual({
      kind: 'gradient',
      node: { begin: 4, width: 2 },
      batch: { step: 3, counts: { tokens: 1, transitions: 1, sequences: 1 } },
      microshards: microshards.map((microshard) => ({ microshard, initialStates: undefined })),
    });
    expect(readLease({ ...lease, kind: 'LEASE_KIND_EVALUATE' }, MODEL).kind).toBe('evaluate');
  });

  it('reads numbers from whatever byte they begin at', () => {
    const message = microshardMessage(microshards[0]);
    const states = Float32Array.from({ length: stateSize(MODEL, microshards[0].B) }, (_, i) => i / 8);
    const shifted = Buffer.concat([Buffer.alloc(1), message.inputs, Buffer.from(states.buffer)]);
    const inputs = shifted.subarray(1, 1 + message.inputs.length);
    const { microshards: [read] } = readLease(withFirst({ inputs, initialStates: shifted.subarray(1 + message.inputs.length) }), MODEL);
    expect(read.microshard.inputs).toEqual(microshards[0].inputs);
    expect(read.initialStates).toEqual(states);
  });

  it.each<[string, Lease__Output, string]>([
    ['no kind', { ...lease, kind: 'LEASE_KIND_UNSPECIFIED' }, 'lease 9: expected a kind, got none'],
    ['an empty node', { ...lease, nodeWidth: 0 }, 'lease 9: expected a width from 1 to 4096, got 0'],
    ['a node that is too wide', { ...lease, nodeWidth: 4097 }, 'lease 9: expected a width from 1 to 4096, got 4097'],
    ['a microshard of another node', { ...lease, nodeBegin: 5 }, 'lease 9: expected ascending microshards in [5, 7), got 4'],
    ['a microshard twice', { ...lease, microshards: [lease.microshards[0], lease.microshards[0]] }, 'lease 9: expected ascending microshards in [4, 6), got 4'],
    ['too few inputs', withFirst({ inputs: Buffer.alloc(4) }), 'lease 9: expected 32 bytes of inputs in microshard 4, got 4'],
    ['too many states', withFirst({ initialStates: Buffer.alloc(84) }), 'lease 9: expected 80 bytes of initialStates in microshard 4, got 84'],
    ['a word beyond the vocabulary', withFirst({ targets: Buffer.alloc(32, 1) }), 'lease 9: expected word ids from -1 to 11 in microshard 4, got 16843009'],
  ])('refuses a lease with %s', (_what, odd, message) => {
    expect(() => readLease(odd, MODEL)).toThrow(expect.objectContaining({ code: 'invalid-argument', message }) as Error);
  });
});
