import { assert, BpttError, messageOf } from '@bptt/core';
import { openThreadMemory } from '@bptt/simd';
import { parentPort, workerData } from 'node:worker_threads';
import { backendForId } from './backends.js';
import { createJobRunner } from './microshard-jobs.js';
import type { ComputeSettings, Job, ThreadMessage } from './thread-protocol.js';

const port = parentPort;
assert(port !== null, () => 'compute-thread is the entry of a worker thread, not a module to import');

function say(message: ThreadMessage): void {
  port?.postMessage(message);
}

function sayFailed(error: unknown): void {
  const code = error instanceof BpttError ? error.code : 'internal';
  say({ kind: 'failed', code, message: messageOf(error) });
}

try {
  const settings = workerData as ComputeSettings;
  const { backendId, memory, share } = settings;
  const { create } = await backendForId(backendId);
  const runner = createJobRunner(create(share), settings, openThreadMemory(memory));
  port.on('message', (job: Job) => {
    runner.run(job).then((outcome) => { say({ kind: 'done', outcome }); }, sayFailed);
  });
  say({ kind: 'ready', executes: runner.executes, assists: runner.assists && share?.crew !== undefined });
} catch (error) {
  sayFailed(error);
}
