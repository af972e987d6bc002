import { BpttError, parameterLayout, type TrainingPlan } from '@bptt/core';
import { manifestOf, modelOf, objectiveOf, PROTOCOL_VERSION_MAX, type ServerInfo__Output } from '@bptt/rpc';
import { assertDevice, backendForId, createBackend, type BackendDevice } from './backends.js';

/** What a worker computes for a run. */
export interface RunPlan extends TrainingPlan {
  readonly runId: string;
  /** The backend that this worker will use, be it the run's or not: the server decides whether it may join. */
  readonly backendId: string;
  /** Of the layout that this worker gives the model. */
  readonly manifestSha256: Buffer;
}

/**
 * Checks whether this worker can take part in the run that `info` describes.
 * @param backend a name or an id; `auto` is the backend of the run, and so is `gpu` without a device where that is one of gpu.js
 * @param device what the backend `gpu` computes on; where the backend is `auto`, its id says it
 * @throws BpttError `failed-precondition`, with both values, where protocol version or manifest differ, or where this machine lacks the
 *   run's backend; `invalid-argument` for a backend that nobody knows, and a device that it has not
 */
export async function planRun(info: ServerInfo__Output, backend: string, device?: BackendDevice): Promise<RunPlan> {
  assertDevice(backend, device);
  const { protocolVersionMin, protocolVersionMax, runId } = info;
  if (PROTOCOL_VERSION_MAX < protocolVersionMin || PROTOCOL_VERSION_MAX > protocolVersionMax) {
    throw new BpttError('failed-precondition', `protocol version: the server speaks ${String(protocolVersionMin)} to ${String(protocolVersionMax)}, this worker ${String(PROTOCOL_VERSION_MAX)}`);
  }
  const model = modelOf(info.model);
  const manifestSha256 = manifestOf(parameterLayout(model)).sha256;
  const theirs = info.manifest?.sha256 ?? Buffer.alloc(0);
  if (!manifestSha256.equals(theirs)) {
    throw new BpttError('failed-precondition', `manifest: the server has sha256 ${theirs.toString('hex')}, this worker ${manifestSha256.toString('hex')}`);
  }
  const isOfRun = backend === 'auto' || (backend === 'gpu' && device === undefined && info.backendId.startsWith('gpu-'));
  const choice = await (isOfRun ? backendForId(info.backendId) : createBackend(backend, device));
  return { runId, model, objective: objectiveOf(info.objective, model), seed: info.seed, backendId: choice.id, manifestSha256 };
}
