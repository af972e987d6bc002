import { parameterLayout, restoresBest } from '@bptt/core';
import { BlockPool, createThreadMemory, type ThreadMemory } from '@bptt/simd';
import { awakeClock } from './awake-clock.js';
import type { Checkpoint } from './checkpoint-format.js';
import { readCheckpoint } from './checkpoints.js';
import { connectInProcess } from './in-process.js';
import { ParameterHashes } from './parameter-hashes.js';
import { AVERAGE_BUFFER, ParameterSets } from './parameter-sets.js';
import type { RunConfig } from './run-config.js';
import { RunEndpoint } from './run-endpoint.js';
import { openRunFolder, removeRunFolder } from './run-folder.js';
import { RunLog } from './run-log.js';
import { RunShell } from './run-shell.js';
import { assertCheckpointFits, assertLegalRun, firstCheckpoint, memoryBytesOf, payloadBytesMax, runSettings } from './run-start.js';
import { initialState } from './run-state.js';
import type { ParameterServer, ParameterServerOptions } from './server-options.js';
import { startService, type Service } from './service.js';
import { UpdateThread } from './update-client.js';

const HEARTBEAT_INTERVAL_MS = 1_000;
const TICK_MS = 100;

/**
 * Starts serving a run: a new one, or one that goes on from its last checkpoint. Workers may connect when the promise resolves; the run
 * waits for them.
 * @throws BpttError `invalid-argument` for an illegal configuration, or a resume with another one; `already-exists`, `not-found`,
 *   `failed-precondition`, `data-loss` where the run folder cannot be used
 */
export async function startParameterServer(options: ParameterServerOptions): Promise<ParameterServer> {
  const { config, data, runDirectory, backendId, stepsTotal, onEvent, timing = {}, nowMs = awakeClock() } = options;
  assertLegalRun(options);
  openRunFolder({ ...options, corpusHash: data.hash, resume: options.resume ?? false, overwrite: options.overwrite ?? false });
  const onWarning = (message: string): void => { onEvent({ event: 'warning', message }); };
  const found = options.resume === true ? readCheckpoint(runDirectory, parameterLayout(config.model), onWarning) : undefined;
  const begin = found ?? firstCheckpoint(options);
  assertCheckpointFits(begin, options);
  const { origin, cursor, states, slots, best } = begin;
  const settings = runSettings(options);
  const memory = createThreadMemory(memoryBytesOf(settings, config));
  const { buffers, sets } = fillBuffers(config, begin, memory);
  const state = initialState(settings, cursor, found === undefined ? -1 : cursor.step);
  const log = new RunLog({ runDirectory, step: cursor.step, stepsTotal, checkpointEvery: config.checkpointEvery, onWarning });
  const thread = new UpdateThread({ model: config.model, optimizer: config.optimizer, runDirectory, memory: memory.shared, buffers, slots, best, restoresBest: restoresBest(config.schedule) }, (error) => { shell.fail(error); });
  const hashes = new ParameterHashes(thread);
  const payloads = new BlockPool(payloadBytesMax(settings, config), { allocate: (bytes) => memory.allocateBytes(bytes), ...options.payloadChecks });
  const shell: RunShell = new RunShell({ config, data, state, origin, states, buffers, sets, hashes, thread, payloads, log, onEvent, nowMs });
  const endpoint = new RunEndpoint({ shell, thread, log, config, backendId, payloads, holds: memory.holds, buffers, sets, hashes, heartbeatIntervalMs: timing.heartbeatIntervalMs ?? HEARTBEAT_INTERVAL_MS, onEvent, nowMs });
  const timer = setInterval(() => { shell.dispatch({ type: 'tick', nowMs: nowMs() }); }, timing.tickMs ?? TICK_MS);
  onEvent({ event: 'started', runId: settings.runId, step: cursor.step, stepsTotal, resumed: options.resume === true });
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
    memory,
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

/** Memory for the parameters, which server, update thread and workers of this process share, with those of `begin` in it. */
function fillBuffers(
  { optimizer }: RunConfig, { cursor: { step }, parameters, parametersSha256, iterate }: Checkpoint, memory: ThreadMemory,
): { buffers: readonly Float32Array[]; sets: ParameterSets } {
  const count = optimizer.name === 'asgd' ? AVERAGE_BUFFER + 1 : AVERAGE_BUFFER;
  const buffers = Array.from({ length: count }, () => memory.allocateFloats(parameters.length));
  const judged = { step, sha256: parametersSha256 };
  buffers[0].set(iterate ?? parameters);
  if (iterate === undefined) return { buffers, sets: new ParameterSets(judged, undefined) };
  buffers[AVERAGE_BUFFER].set(parameters);
  return { buffers, sets: new ParameterSets({ step, sha256: undefined }, judged) };
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
