import { assert, BpttError, messageOf, type Backend } from '@bptt/core';
import { parentPort, workerData } from 'node:worker_threads';
import { createEmbeddedBackend } from './embedded-backends.js';
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

/** Loads gpu.js, which is large, only where the backend is none of those that are always there. */
async function createBackend(id: string): Promise<Backend> {
  return createEmbeddedBackend(id) ?? (await import('./backends.js')).backendForId(id).create();
}

try {
  const settings = workerData as ComputeSettings;
  const runner = createJobRunner(await createBackend(settings.backendId), settings);
  port.on('message', (job: Job) => {
    runner.run(job).then((outcome) => { say({ kind: 'done', outcome }); }, sayFailed);
  });
  say({ kind: 'ready', executes: runner.executes });
} catch (error) {
  sayFailed(error);
}
