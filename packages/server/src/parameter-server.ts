import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertLegal, BpttError, denseSize, initializeParameters, matrixShape, parameterLayout, sparseTensors, type ParameterLayout } from '@bptt/core';
import { sha256Hex } from '@bptt/rpc';
import { floatsSha256, type Checkpoint, type CheckpointOrigin } from './checkpoint-format.js';
import { readCheckpoint } from './checkpoints.js';
import { connectInProcess } from './in-process.js';
import { RunEndpoint } from './run-endpoint.js';
import { openRunFolder, removeRunFolder } from './run-folder.js';
import { RunLog } from './run-log.js';
import { runId } from './run-config.js';
import { RunShell } from './run-shell.js';
import { firstCursor, initialState, type RunSettings } from './run-state.js';
import type { ParameterServer, ParameterServerOptions } from './server-options.js';
import { startService, type Service } from './service.js';
import { UpdateThread } from './update-client.js';

const HEARTBEAT_INTERVAL_MS = 1_000;
const WORKER_TIMEOUT_MS = 10_000;
const LEASE_FLOOR_MS = 10_000;
const TICK_MS = 100;

/**
 * Starts serving a run: a new one, or one that goes on from its last checkpoint. Workers may connect when the promise resolves; the run
 * waits for them.
 * @throws BpttError `invalid-argument` for an illegal configuration, or a resume with another one; `already-exists`, `not-found`,
 *   `failed-precondition`, `data-loss` where the run folder cannot be used
 */
export async function startParameterServer(options: ParameterServerOptions): Promise<ParameterServer> {
  const { config, data, runDirectory, backendId, stepsTotal, onEvent, timing = {}, nowMs = () => performance.now() } = options;
  assertServable(options);
  openRunFolder({ ...options, corpusHash: data.hash, resume: options.resume ?? false, overwrite: options.overwrite ?? false });
  const layout = parameterLayout(config.model);
  const onWarning = (message: string): void => { onEvent({ event: 'warning', message }); };
  const found = options.resume === true ? readCheckpoint(runDirectory, layout, onWarning) : undefined;
  const begin = found ?? firstCheckpoint(options);
  assertCheckpointFits(begin, options);
  const buffers = [parameterBuffer(layout), parameterBuffer(layout)] as const;
  new Float32Array(buffers[begin.cursor.step % 2]).set(begin.parameters);
  const settings: RunSettings = {
    runId: begin.origin.runId,
    microshards: data.microshards,
    evaluationLeaves: data.evaluation.count,
    stepsTotal,
    stepsPerEpoch: data.stepsPerEpoch,
    validEvery: config.validEvery,
    checkpointEvery: config.checkpointEvery,
    schedule: config.schedule,
    gradientBytes: gradientBounds(layout),
    leaseFloorMs: timing.leaseFloorMs ?? LEASE_FLOOR_MS,
    workerTimeoutMs: timing.workerTimeoutMs ?? WORKER_TIMEOUT_MS,
    generationFirst: Date.now(),
  };
  const state = initialState(settings, begin.cursor, found === undefined ? -1 : found.cursor.step);
  const log = new RunLog({ runDirectory, step: begin.cursor.step, stepsTotal, checkpointEvery: config.checkpointEvery, onWarning });
  const thread = new UpdateThread({ model: config.model, runDirectory, buffers }, (error) => { shell.fail(error); });
  const shell: RunShell = new RunShell({ config, data, state, origin: begin.origin, states: begin.states, parametersSha256: begin.parametersSha256, thread, log, onEvent, nowMs });
  const endpoint = new RunEndpoint({ shell, thread, log, config, backendId, buffers, heartbeatIntervalMs: timing.heartbeatIntervalMs ?? HEARTBEAT_INTERVAL_MS, onEvent, nowMs });
  const timer = setInterval(() => { shell.dispatch({ type: 'tick', nowMs: nowMs() }); }, timing.tickMs ?? TICK_MS);
  onEvent({ event: 'started', runId: settings.runId, step: begin.cursor.step, stepsTotal, resumed: options.resume === true });
  shell.dispatch({ type: 'start' });
  const services: Service[] = [];
  void shell.finished.then(() => {
    for (const service of services) service.setServing(false);
  });
  await Promise.resolve();
  return {
    get info() {
      return endpoint.getInfo();
    },
    connect: () => connectInProcess(endpoint),
    listen: async (address) => {
      const service = await startService(endpoint, address);
      services.push(service);
      return { port: service.port };
    },
    finished: shell.finished,
    stop: async () => {
      shell.dispatch({ type: 'stop', reason: 'the run was stopped' });
      await shell.finished;
    },
    close: once(async () => {
      const wasTouched = found !== undefined || shell.state.step > 0 || shell.state.phase === 'ended';
      shell.dispatch({ type: 'close', reason: 'the server was closed' });
      clearInterval(timer);
      shell.detachAll();
      await Promise.all(services.map((service) => service.close()));
      endpoint.close();
      await thread.close();
      log.close();
      if (!wasTouched && options.resume !== true) removeRunFolder(runDirectory);
    }),
  };
}

function assertServable({ config, data, stepsTotal }: ParameterServerOptions): void {
  assertLegal(config);
  if (data.microshards !== config.microshards) {
    throw new BpttError('invalid-argument', `microshards: expected ${String(config.microshards)} as configured, got data cut into ${String(data.microshards)}`);
  }
  whole('steps', stepsTotal, 0);
  whole('stepsPerEpoch', data.stepsPerEpoch, 1);
  whole('validEvery', config.validEvery, 0);
  whole('checkpointEvery', config.checkpointEvery, 0);
  if (!(Number.isFinite(config.learningRate) && config.learningRate >= 0)) throw new BpttError('invalid-argument', `learningRate: expected a number from 0, got ${String(config.learningRate)}`);
  if (!(Number.isFinite(config.clip) && config.clip >= 0)) throw new BpttError('invalid-argument', `clip: expected a number from 0 (0 clips nothing), got ${String(config.clip)}`);
}

function whole(key: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) throw new BpttError('invalid-argument', `${key}: expected a whole number from ${String(least)}, got ${String(value)}`);
}

/** What a run begins with that has no checkpoint. */
function firstCheckpoint({ config, data, runDirectory, backendId }: ParameterServerOptions): Checkpoint {
  const parameters = initializeParameters(config.model, config.seed, config.initialization);
  const origin: CheckpointOrigin = {
    runId: runId(config, data.hash, backendId),
    backendId,
    corpusHash: data.hash,
    configJson: JSON.stringify(config),
    vocabularySha256: sha256Hex(readFileSync(join(runDirectory, 'vocabulary.json'))),
  };
  const states = Array.from({ length: data.microshards }, () => undefined);
  return { origin, cursor: firstCursor(config.learningRate), parameters, parametersSha256: floatsSha256(parameters), states };
}

function assertCheckpointFits({ origin }: Checkpoint, { config, data, backendId }: ParameterServerOptions): void {
  const expected = runId(config, data.hash, backendId);
  if (origin.runId !== expected) throw new BpttError('failed-precondition', `checkpoint: expected run ${expected}, got one of run ${origin.runId}`);
}

function parameterBuffer(layout: ParameterLayout): SharedArrayBuffer {
  return new SharedArrayBuffer(layout.size * Float32Array.BYTES_PER_ELEMENT);
}

/** Fewest and most bytes of a gradient: no row of any row-sparse tensor, and all of them. */
function gradientBounds(layout: ParameterLayout): readonly [number, number] {
  const sparse = sparseTensors(layout).map(matrixShape);
  const least = 4 * (denseSize(layout) + sparse.length);
  return [least, sparse.reduce((most, { rows, columns }) => most + 4 * rows * (1 + columns), least)];
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
