import { parentPort, workerData } from 'node:worker_threads';
import { BpttError, messageOf, parameterLayout } from '@bptt/core';
import { UpdateEngine, type UpdateSettings } from './update-engine.js';
import type { ThreadReply, ThreadRequest } from './update-client.js';

// The entry of the update thread: each message names a method of the engine, each reply carries its result or its error.
const settings = workerData as UpdateSettings;
const engine = new UpdateEngine(parameterLayout(settings.model), settings);

parentPort?.on('message', ({ id, method, args }: ThreadRequest) => {
  parentPort?.postMessage(answer(id, () => (engine[method] as (...values: unknown[]) => unknown)(...args)));
});

function answer(id: number, call: () => unknown): ThreadReply {
  try {
    return { id, value: call() };
  } catch (error) {
    const code = error instanceof BpttError ? error.code : 'internal';
    return { id, error: { code, message: messageOf(error) } };
  }
}
