import { hostname } from 'node:os';
import { startParameterServer, type ParameterServer, type RunEvent, type RunResult } from '@bptt/server';
import { runWorker } from '@bptt/worker';
import type { PreparedRun } from './prepare-run.js';

export interface ServeOptions {
  /** Ends the run early, with a checkpoint. */
  readonly signal: AbortSignal;
  /** Called for everything that happens; the first event of a run that starts is preceded by the warnings of its preparation. Must not throw. */
  readonly onEvent: (event: RunEvent) => void;
  /** Lets workers in. What it returns is called when the run is over. */
  readonly admit: (server: ParameterServer) => Promise<() => Promise<void>>;
}

/** Serves a prepared run to its end. The corpus stays open. */
export async function serveRun({ server: options, warnings }: PreparedRun, { signal, onEvent, admit }: ServeOptions): Promise<RunResult> {
  const server = await startParameterServer({
    ...options,
    onEvent: (event) => {
      if (event.event === 'started') for (const message of warnings) onEvent({ event: 'warning', message });
      onEvent(event);
    },
  });
  const stop = (): void => void server.stop();
  try {
    const release = await admit(server);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const result = await server.finished;
    await release();
    return result;
  } finally {
    signal.removeEventListener('abort', stop);
    await server.close();
  }
}

export interface LocalWorkerOptions {
  /** Microshards computed at the same time. */
  readonly threads: number;
  readonly onWarning: (message: string) => void;
  /** Called when the worker has joined, with what really executes there. */
  readonly onJoined?: (worker: { readonly executes: string; readonly threads: number }) => void;
}

/** Lets one worker in this process take part in the run. Its failure ends the run, since there is no other. For `admit`. */
export function workHere(server: ParameterServer, { threads, onWarning, onJoined }: LocalWorkerOptions): Promise<() => Promise<void>> {
  const leave = new AbortController();
  const connection = server.connect();
  let failure: unknown;
  const work = runWorker({
    connection,
    memory: server.memory,
    threads,
    name: `${hostname()}:${String(process.pid)}`,
    signal: leave.signal,
    onEvent: (event) => {
      if (event.event === 'joined') onJoined?.(event);
      if (event.event === 'warning') onWarning(event.message);
    },
  }).catch((error: unknown) => {
    failure = error;
    return server.stop();
  });
  return Promise.resolve(async () => {
    leave.abort();
    await work;
    connection.close();
    if (failure !== undefined) throw failure instanceof Error ? failure : new Error('the worker failed', { cause: failure });
  });
}
