import { assert, BpttError } from '@bptt/core';
import { callBack, letHelp, setWorking, strikeOff } from '@bptt/simd';
import { Worker } from 'node:worker_threads';
import { isMicroshard, type ComputeSettings, type Job, type OutcomeOf, type ThreadMessage } from './thread-protocol.js';

/** Longest wait for a thread to load its modules and make its backend. */
const START_TIMEOUT_MS = 60_000;

/** A compute thread as the main thread sees it. */
export interface ComputeThread {
  /** What really executes there, as its backend says it. */
  readonly executes: string;
  /** Whether it can help others. */
  readonly assists: boolean;
  /** False once the thread has ended, whatever ended it. */
  readonly alive: boolean;
  /**
   * Runs one job; the next may follow when this one has settled.
   * @throws BpttError with the code of the failure, `internal` where the thread ends before it answers
   */
  run<J extends Job>(job: J): Promise<OutcomeOf<J>>;
  /** Lets an `assist` job under way end soon. */
  callBack(): void;
  /** Ends the thread; a job under way is rejected. */
  terminate(): Promise<void>;
}

interface Waiting {
  resolve(message: ThreadMessage): void;
  reject(error: unknown): void;
}

/**
 * Starts a thread and waits until its backend is made.
 * @throws BpttError `failed-precondition` where this machine lacks the backend, `internal` where the thread does not start in time
 */
export async function startComputeThread(settings: ComputeSettings): Promise<ComputeThread> {
  const crew = settings.share?.crew;
  const worker = new Worker(entry(), { workerData: settings, execArgv: [] });
  let waiting: Waiting | undefined;
  let ended: BpttError | undefined;
  const end = (message: string, cause?: unknown): void => {
    ended ??= new BpttError('internal', message, { cause });
    if (crew !== undefined) strikeOff(crew);
    const rejected = waiting;
    waiting = undefined;
    rejected?.reject(ended);
  };
  worker.on('message', (message: ThreadMessage) => {
    const answered = waiting;
    waiting = undefined;
    answered?.resolve(message);
  });
  worker.on('error', (error: Error) => { end(`compute thread failed: ${error.message}`, error); });
  worker.on('exit', (code) => { end(`compute thread ended with code ${String(code)}`); });

  const answer = async (): Promise<ThreadMessage> => {
    assert(waiting === undefined, () => 'compute thread: one job at a time');
    const message = await new Promise<ThreadMessage>((resolve, reject) => {
      waiting = { resolve, reject };
    });
    if (message.kind === 'failed') throw new BpttError(message.code, message.message);
    return message;
  };

  const timer = setTimeout(() => { end(`compute thread: not ready after ${String(START_TIMEOUT_MS)} ms`); }, START_TIMEOUT_MS);
  try {
    const ready = await answer();
    assert(ready.kind === 'ready', () => `compute thread: expected ready, got ${ready.kind}`);
    return {
      executes: ready.executes,
      assists: ready.assists,
      get alive() {
        return ended === undefined;
      },
      async run<J extends Job>(job: J): Promise<OutcomeOf<J>> {
        if (ended !== undefined) throw ended;
        const done = answer();
        const isWork = isMicroshard(job);
        if (crew !== undefined && isWork) setWorking(crew, true);
        if (crew !== undefined && job.kind === 'assist') letHelp(crew);
        worker.postMessage(job);
        const message = await done.finally(() => {
          if (crew !== undefined && isWork) setWorking(crew, false);
        });
        assert(message.kind === 'done', () => `compute thread: expected done, got ${message.kind}`);
        return message.outcome as OutcomeOf<J>;
      },
      callBack() {
        if (crew !== undefined) callBack(crew);
      },
      async terminate() {
        await worker.terminate();
      },
    };
  } catch (error) {
    await worker.terminate();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The compiled entry: node cannot run the TypeScript source, so from source (in tests) the built file beside it is taken. */
function entry(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../dist/compute-thread.js' : './compute-thread.js', import.meta.url);
}
