import { afterEach, describe, expect, it } from 'vitest';
import { initializeParameters, optimizerConfig } from '@bptt/core';
import { PROTOCOL_VERSION_MAX, PROTOCOL_VERSION_MIN, type Lease__Output } from '@bptt/rpc';
import { exploded, ReferenceWorker, type PreparedPush } from './reference-worker.js';
import { startTestServer, type TestServer, type TestServerOptions, type Transport } from './test-server.js';
import { tinyConfig } from './tiny-run.js';

/** What every `ServerConnection` must do, and how the server behind it must answer: each outcome and each refusal of the protocol. */
export function describeServerConnection(transport: Transport): void {
  describe(`a server connection, ${transport}`, () => {
    let test: TestServer | undefined;

    afterEach(async () => {
      await test?.close();
      test = undefined;
    });

    async function start(options: TestServerOptions = {}): Promise<TestServer> {
      test = await startTestServer({ transport, ...options });
      return test;
    }

    /** Two workers, each with a lease, so that the step is not over when one of them pushes. */
    async function startTwo(options: TestServerOptions = {}): Promise<{ test: TestServer; workers: ReferenceWorker[]; pushes: PreparedPush[] }> {
      const { connect, config } = await start(options);
      const workers = [await ReferenceWorker.join(connect(), config), await ReferenceWorker.join(connect(), config)];
      const pushes: PreparedPush[] = [];
      for (const worker of workers) pushes.push(await worker.compute(await leaseOf(worker)));
      if (test === undefined) throw new Error('the server did not start');
      return { test, workers, pushes };
    }

    it('says what the server runs', async () => {
      const { connect, server } = await start();
      const info = await connect().getInfo();
      expect(info).toMatchObject({ backendId: 'reference/1', objective: { truncation: 'full', reduction: 'tokenMean', dropout: 0 }, seed: 1, microshards: 3, step: 0, state: 'RUN_STATE_TRAINING', model: { cell: 'rnn', vocabulary: 7 } });
      expect(info.runId).toBe(server.info.runId);
      expect(info.manifest?.tensors.map(({ name }) => name)).toContain('decoder.weight');
    });

    it.each([
      ['protocol version', { protocolVersion: 99 }, [`${String(PROTOCOL_VERSION_MIN)} to ${String(PROTOCOL_VERSION_MAX)}`, '99']],
      ['backend', { backendId: 'simd/1' }, ['reference/1', 'simd/1']],
      ['manifest', { manifestSha256: Buffer.alloc(32, 7) }, ['07070707']],
    ])('refuses a worker with another %s and names both values', async (_what, change, texts) => {
      const connection = (await start()).connect();
      const { manifest, backendId } = await connection.getInfo();
      const sha256 = manifest?.sha256 ?? Buffer.alloc(0);
      const join = connection.join({ protocolVersion: PROTOCOL_VERSION_MAX, backendId, manifestSha256: sha256, threads: 1, name: 'x', executes: 'nothing', ...change });
      const error: unknown = await join.catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'failed-precondition' });
      for (const text of texts) expect((error as Error).message).toContain(text);
      if ('manifestSha256' in change) expect((error as Error).message).toContain(sha256.toString('hex'));
    });

    it('hands out the parameters that a lease names, in memory that threads share', async () => {
      const { connect, config } = await start();
      const worker = await ReferenceWorker.join(connect(), config);
      const { parametersVersion } = await leaseOf(worker);
      const pulled = await worker.pull(parametersVersion);
      expect(pulled).toMatchObject({ step: 0, version: parametersVersion });
      expect(pulled.isHeld()).toBe(true);
      expect(pulled.values).toEqual(initializeParameters(config.model, config.seed, config.initialization));
      expect(pulled.values.buffer).toBeInstanceOf(SharedArrayBuffer);
    });

    it('writes parameters, where it copies them, into the memory that the caller offers', async () => {
      const { connect, config } = await start();
      const worker = await ReferenceWorker.join(connect(), config);
      const wanted = (await leaseOf(worker)).parametersVersion;
      const { values: expected } = await worker.pull(wanted);
      const offered = new Uint8Array(new SharedArrayBuffer(128 + expected.byteLength), 64).fill(0xff);
      const { values } = await worker.pull(wanted, offered);
      expect(values).toEqual(expected);
      const isCopied = transport !== 'in-process';
      expect(values.buffer === offered.buffer && values.byteOffset === 64).toBe(isCopied);
      expect(offered.every((byte) => byte === 0xff)).toBe(!isCopied);
    });

    it('refuses parameters of another run, and such as are not held', async () => {
      const { connect, server, config } = await start();
      const worker = await ReferenceWorker.join(connect(), config);
      const { parametersVersion } = await leaseOf(worker);
      await expect(worker.connection.pullParameters('other', parametersVersion)).rejects.toMatchObject({ code: 'failed-precondition' });
      await expect(worker.connection.pullParameters(server.info.runId, 99)).rejects.toMatchObject({ code: 'aborted', message: expect.stringContaining('of version 99 are not held') as string });
    });

    it('has several parameters at one step: evaluates an average while the next step starts from an iterate', async () => {
      const { connect, config } = await start({ config: tinyConfig({ optimizer: optimizerConfig('asgd', { nonmono: 1 }), learningRate: 30, clip: { kind: 'none' }, validEvery: 1 }), stepsTotal: 12 });
      const worker = await ReferenceWorker.join(connect(), config);
      const evaluated = new Map<number, Float32Array>();
      for (let lease = await worker.lease(); lease !== undefined; lease = await worker.lease()) {
        const values = (await worker.pull(lease.parametersVersion)).values.slice();
        if (lease.kind === 'LEASE_KIND_EVALUATE') evaluated.set(lease.step, values);
        await worker.push(await worker.compute(lease));
        const average = evaluated.get(lease.step);
        if (lease.kind === 'LEASE_KIND_TRAIN' && average?.some((value, i) => value !== values[i]) === true) return;
      }
      throw new Error('no average was evaluated');
    });

    it('goes back to the best parameters after a validation that did not improve', async () => {
      const { connect, config, server, events } = await start({ config: tinyConfig({ schedule: { kind: 'plateau', factor: 4 }, learningRate: 60, clip: { kind: 'none' }, validEvery: 1 }), stepsTotal: 12 });
      const worker = await ReferenceWorker.join(connect(), config);
      const evaluated = new Map<number, Float32Array>();
      const trained = new Map<number, Float32Array>();
      for (let lease = await worker.lease(); lease !== undefined; lease = await worker.lease()) {
        (lease.kind === 'LEASE_KIND_TRAIN' ? trained : evaluated).set(lease.step, (await worker.pull(lease.parametersVersion)).values.slice());
        await worker.push(await worker.compute(lease));
      }
      expect((await server.finished).outcome).toBe('finished');
      const validations = events.flatMap((event) => (event.event === 'validation' ? [event] : []));
      const restores = validations.filter(({ restored, step }) => restored && step < 12);
      expect(restores.length).toBeGreaterThan(0);
      for (const { step } of restores) {
        const best = validations.findLast((validation) => validation.improved && validation.step < step);
        expect(trained.get(step)).toEqual(evaluated.get(best?.step ?? -1));
        expect(trained.get(step)).not.toEqual(evaluated.get(step));
      }
    });

    it('leases a node, takes its result, and goes on to the next step', async () => {
      const { connect, config } = await start();
      const worker = await ReferenceWorker.join(connect(), config);
      const lease = await leaseOf(worker);
      expect(lease).toMatchObject({ kind: 'LEASE_KIND_TRAIN', step: 0, nodeBegin: 0, nodeWidth: 3 });
      // The second microshard is empty.
      expect(lease.microshards.map(({ index }) => index)).toEqual([0, 2]);
      expect(await worker.push(await worker.compute(lease))).toMatchObject({ outcome: 'PUSH_OUTCOME_COMMITTED' });
      expect((await leaseOf(worker)).step).toBe(1);
    });

    it('answers a repeated push with DUPLICATE, and one with other bits with DATA_LOSS and an alarm', async () => {
      const { test, workers, pushes } = await startTwo();
      expect(await workers[0].push(pushes[0])).toMatchObject({ outcome: 'PUSH_OUTCOME_COMMITTED' });
      expect(await workers[0].push(pushes[0])).toMatchObject({ outcome: 'PUSH_OUTCOME_DUPLICATE' });
      const changed = pushes[0].payload.slice();
      changed[0] ^= 1;
      await expect(workers[0].push({ ...pushes[0], payload: changed })).rejects.toMatchObject({ code: 'data-loss' });
      expect(await test.event('duplicate-mismatch')).toMatchObject({ workerId: 'w1', step: 0 });
    });

    it('answers a push of a step that is over with STALE', async () => {
      const { test, workers, pushes } = await startTwo();
      for (const [i, worker] of workers.entries()) await worker.push(pushes[i]);
      await test.event('step');
      expect(await workers[0].push(pushes[0])).toMatchObject({ outcome: 'PUSH_OUTCOME_STALE', currentStep: 1 });
    });

    it('fences a worker that left, and gives its node to another', async () => {
      const { test, workers, pushes } = await startTwo();
      await workers[0].push(pushes[0]);
      await workers[1].connection.leave(workers[1].identity);
      expect(await workers[1].push(pushes[1])).toMatchObject({ outcome: 'PUSH_OUTCOME_FENCED' });
      expect(await leaseOf(workers[0])).toMatchObject({ nodeBegin: pushes[1].header.nodeBegin, nodeWidth: pushes[1].header.nodeWidth });
      expect(test.events.some(({ event }) => event === 'lease-expired')).toBe(false);
    });

    it('fences a worker whose lease expired', async () => {
      const { connect, config, event } = await start({ timing: { leaseFloorMs: 1, tickMs: 5 } });
      const worker = await ReferenceWorker.join(connect(), config);
      const push = await worker.compute(await leaseOf(worker));
      expect(await event('lease-expired')).toMatchObject({ workerId: 'w1', step: 0, reason: 'time' });
      expect(await worker.push(push)).toMatchObject({ outcome: 'PUSH_OUTCOME_FENCED' });
    });

    it('takes the lease of a worker whose connection breaks before its commit, counts it as expired, and changes nothing else', async () => {
      const { test, workers, pushes } = await startTwo();
      const torn = workers[1].push(pushes[1]).catch((error: unknown) => error);
      workers[1].connection.close();
      expect(await torn).toMatchObject({ name: 'BpttError' });
      expect(await test.event('lease-expired')).toMatchObject({ workerId: 'w2', reason: 'disconnected' });
      expect((await workers[0].connection.getStatus()).leasesExpired).toBe(1);
      await workers[0].push(pushes[0]);
      expect(await leaseOf(workers[0])).toMatchObject({ step: 0, nodeBegin: pushes[1].header.nodeBegin });
    });

    it.each([
      ['a payload shorter than announced', (push: PreparedPush) => ({ ...push, payload: push.payload.slice(4) }), 'invalid-argument'],
      ['a gradient of another size', (push: PreparedPush) => ({ header: { ...push.header, totalBytes: 8, gradientBytes: 8 }, payload: new Uint8Array(8) }), 'invalid-argument'],
      ['row ids that do not ascend', (push: PreparedPush) => ({ ...push, payload: withRowIds(push) }), 'invalid-argument'],
      ['a gradient that is not finite, without the flag', (push: PreparedPush) => ({ ...push, payload: withNaN(push.payload) }), 'invalid-argument'],
      ['a loss that is not finite, without the flag', (push: PreparedPush) => ({ ...push, header: { ...push.header, lossSum: NaN } }), 'invalid-argument'],
      ['other counts', (push: PreparedPush) => ({ ...push, header: { ...push.header, tokens: 1 } }), 'invalid-argument'],
      ['a node that is not in the tree', (push: PreparedPush) => ({ ...push, header: { ...push.header, nodeBegin: 1, nodeWidth: 2 } }), 'invalid-argument'],
      ['another run', (push: PreparedPush) => ({ ...push, header: { ...push.header, runId: 'other' } }), 'failed-precondition'],
      ['a step to come', (push: PreparedPush) => ({ ...push, header: { ...push.header, step: 5 } }), 'failed-precondition'],
    ])('refuses a push with %s, after which the true one is taken', async (_what, spoil, code) => {
      const { connect, config } = await start();
      const worker = await ReferenceWorker.join(connect(), config);
      const push = await worker.compute(await leaseOf(worker));
      await expect(worker.push(spoil(push))).rejects.toMatchObject({ code });
      expect(await worker.push(push)).toMatchObject({ outcome: 'PUSH_OUTCOME_COMMITTED' });
    });

    it('takes a flagged explosion, follows the policy, and goes on', async () => {
      const { connect, config, event } = await start();
      const worker = await ReferenceWorker.join(connect(), config);
      const push = await worker.compute(await leaseOf(worker));
      expect(await worker.push(exploded(push))).toMatchObject({ outcome: 'PUSH_OUTCOME_COMMITTED' });
      expect(await event('non-finite')).toMatchObject({ step: 0, policy: 'skip', location: { microshard: 0, sequence: 1, timeStep: 2, layer: 0, phase: 'backward' } });
      expect(await event('step')).toMatchObject({ step: 1, outcome: 'skipped' });
      expect((await leaseOf(worker)).step).toBe(1);
    });

    it('gives a lease that a worker gives up to another', async () => {
      const { connect, config, event } = await start();
      const worker = await ReferenceWorker.join(connect(), config);
      const lease = await leaseOf(worker);
      worker.control.send({ leaseFailed: { leaseId: lease.leaseId, reason: 'no memory' }, event: 'leaseFailed' });
      expect(await event('warning')).toMatchObject({ message: expect.stringContaining('no memory') as string });
      const other = await ReferenceWorker.join(connect(), config);
      expect((await leaseOf(other)).leaseId).not.toBe(lease.leaseId);
    });

    it('ends a control stream of a worker that it does not know', async () => {
      const control = (await start()).connect().control({ workerId: 'w9', generation: 1 });
      control.send({ ready: {}, event: 'ready' });
      await expect(control.commands[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'failed-precondition' });
    });

    it('tells how the run goes, and sends workers home at its end', async () => {
      const { connect, config, server } = await start();
      const connection = connect();
      const worker = await ReferenceWorker.join(connection, config);
      const leases = worker.run();
      expect(await server.finished).toMatchObject({ outcome: 'finished', step: 4 });
      // Four steps, and one validation of five microshards in one or more leases.
      expect(await leases).toBeGreaterThanOrEqual(5);
      const status = await connection.getStatus();
      expect(status).toMatchObject({ state: 'RUN_STATE_FINISHED', stepAcknowledged: 4, stepDurable: 4, stepsTotal: 4, stepsNonFinite: 0, backendId: 'reference/1', workers: [] });
      expect(status.validLoss).toBeGreaterThan(0);
      const { manifest } = await connection.getInfo();
      await expect(connection.join({ protocolVersion: PROTOCOL_VERSION_MAX, backendId: 'reference/1', manifestSha256: manifest?.sha256 ?? Buffer.alloc(0), threads: 1, name: '', executes: '' })).rejects.toMatchObject({ code: 'unavailable' });
    });
  });
}

async function leaseOf(worker: ReferenceWorker): Promise<Lease__Output> {
  const lease = await worker.lease();
  if (lease === undefined) throw new Error('expected a lease, got the end of the stream');
  return lease;
}

function withNaN(payload: Uint8Array): Uint8Array {
  const changed = payload.slice();
  new Float32Array(changed.buffer)[0] = NaN;
  return changed;
}

/** The row ids of the last, row-sparse tensor lie behind the dense ones; the first two are swapped. */
function withRowIds({ payload }: PreparedPush): Uint8Array {
  const changed = payload.slice();
  const words = new Uint32Array(changed.buffer);
  const count = [...words.keys()].find((i) => i + 1 + words[i] * 6 === words.length && words[i] > 1) ?? 0;
  [words[count + 1], words[count + 2]] = [words[count + 2], words[count + 1]];
  return changed;
}
