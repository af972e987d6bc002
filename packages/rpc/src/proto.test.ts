import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PushHeader__Output } from './gen/bptt/v1/PushHeader.js';
import type { WorkerEvent__Output } from './gen/bptt/v1/WorkerEvent.js';
import { packageDefinition, services } from './proto.js';

function throughWire<I, O>(method: { requestSerialize(value: I): Buffer; requestDeserialize(bytes: Buffer): O }, value: I): O {
  return method.requestDeserialize(method.requestSerialize(value));
}

const { PushGradient, Control, PullParameters } = services.parameterServer;

const uint64 = fc.maxSafeNat();
const header: fc.Arbitrary<PushHeader__Output> = fc.record({
  runId: fc.string(),
  workerId: fc.string(),
  generation: uint64,
  leaseId: uint64,
  kind: fc.constantFrom('LEASE_KIND_TRAIN' as const, 'LEASE_KIND_EVALUATE' as const),
  step: uint64,
  nodeBegin: fc.nat(),
  nodeWidth: fc.nat(),
  totalBytes: uint64,
  gradientBytes: uint64,
  stateBytes: uint64,
  lossSum: fc.double(),
  tokens: uint64,
  sequences: uint64,
});

test('a push header comes back with every field, 64-bit numbers up to 2^53 - 1 included', () => {
  fc.assert(fc.property(header, (value) => {
    expect(throughWire(PushGradient, { header: value, frame: 'header' })).toEqual({ header: value, frame: 'header' });
  }));
});

test('the largest 64-bit number that JavaScript counts with comes back exactly', () => {
  const reply = throughWire(PullParameters, { runId: 'r', step: Number.MAX_SAFE_INTEGER, ranges: [{ begin: 2 ** 32, end: 2 ** 32 + 1 }] });
  expect(reply).toMatchObject({ step: 9007199254740991, ranges: [{ begin: 4294967296, end: 4294967297 }] });
});

test('a flagged explosion travels, a sequence of -1 included, and an unset flag stays unset', () => {
  const nonFinite = { microshard: 3, sequence: -1, timeStep: 2, layer: 1, phase: 'backward' };
  const flagged = throughWire(PushGradient, { header: { nonFinite }, frame: 'header' });
  expect(flagged.header?.nonFinite).toEqual(nonFinite);
  const plain = throughWire(PushGradient, { header: {}, frame: 'header' });
  expect(plain.header?.nonFinite ?? undefined).toBeUndefined();
});

test('a pull without a step is not a pull of step 0', () => {
  expect(throughWire(PullParameters, { runId: 'r' }).step).toBeUndefined();
  expect(throughWire(PullParameters, { runId: 'r', step: 0 }).step).toBe(0);
});

test('a message names the member of its oneof, empty messages too', () => {
  const event: WorkerEvent__Output = { workerId: 'w', generation: 7, ready: {}, event: 'ready' };
  expect(throughWire(Control, event)).toEqual(event);
});

test('the package definition lists the services that reflection shows', () => {
  expect(Object.keys(packageDefinition)).toEqual(expect.arrayContaining(['bptt.v1.ParameterServer', 'bptt.v1.Admin', 'grpc.health.v1.Health']));
});
