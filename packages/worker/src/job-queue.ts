import { BpttError } from '@bptt/core';
import type { ComputeThread } from './thread-handle.js';
import type { Job, OutcomeOf, SharedParameters } from './thread-protocol.js';

/** Times that a queue replaces a thread which died. */
export const RESTARTS_MAX = 3;

/** Jobs of one node, and what all of them read. */
export interface JobGroup {
  /** Handed to a thread before its first microshard that reads them. */
  readonly parameters: SharedParameters;
  /** Once aborted, jobs of the group that have not begun are rejected instead. */
  readonly signal: AbortSignal;
}

/** Hands jobs to threads, one at a time to each. Its length is bounded by the microshards of the nodes under way. */
export interface JobQueue {
  /** What really executes, as the backend says it. */
  readonly executes: string;
  /**
   * Runs a job, which is made when a thread is there for it.
   * @throws BpttError with the code of the failure; `internal` where the thread died; `cancelled` where the group was aborted first
   */
  run<J extends Job>(make: () => J, group: JobGroup): Promise<OutcomeOf<J>>;
  /** Runs a job before those that wait. Errors as `run`. */
  runFirst<J extends Job>(job: J, group: JobGroup): Promise<OutcomeOf<J>>;
  /** Ends all threads; jobs under way are rejected. */
  dispose(): Promise<void>;
}

interface QueuedJob {
  readonly make: () => Job;
  readonly group: JobGroup;
  readonly resolve: (outcome: OutcomeOf<Job>) => void;
  readonly reject: (error: unknown) => void;
}

interface Slot {
  thread: ComputeThread;
  busy: boolean;
  /** The parameters that the thread has read. */
  holds: Float32Array | undefined;
  /** Settles when the thread that takes the place of a dead one is there; never rejects. */
  replacing: Promise<void> | undefined;
}

/** @param restart starts a thread in the place of one that died; used at most `RESTARTS_MAX` times */
export function createJobQueue(threads: readonly ComputeThread[], restart: () => Promise<ComputeThread>): JobQueue {
  const slots: Slot[] = threads.map((thread) => ({ thread, busy: false, holds: undefined, replacing: undefined }));
  const waiting: QueuedJob[] = [];
  let restarts = 0;
  let disposed = false;

  function dispatch(): void {
    for (;;) {
      const slot = slots.find(({ busy }) => !busy);
      const next = slot === undefined ? undefined : waiting.shift();
      if (slot === undefined || next === undefined) return;
      if (next.group.signal.aborted) next.reject(new BpttError('cancelled', 'the node of this job was given up'));
      else void work(slot, next);
    }
  }

  async function work(slot: Slot, { make, group, resolve, reject }: QueuedJob): Promise<void> {
    slot.busy = true;
    try {
      resolve(await slot.thread.run(prepare(slot, make(), group)));
    } catch (error) {
      slot.holds = undefined;
      reject(error);
    }
    if (!slot.thread.alive && !disposed) {
      slot.replacing = replace(slot);
      await slot.replacing;
    }
    slot.busy = false;
    dispatch();
  }

  function prepare(slot: Slot, job: Job, { parameters }: JobGroup): Job {
    if (job.kind === 'add' || slot.holds === parameters.values) return job;
    slot.holds = parameters.values;
    return { ...job, parameters };
  }

  async function replace(slot: Slot): Promise<void> {
    if (restarts >= RESTARTS_MAX) return;
    restarts += 1;
    try {
      slot.thread = await restart();
    } catch {
      // The dead thread stays in its place and refuses each job with the reason of its end; the next refusal tries again.
    }
  }

  function enqueue<J extends Job>(make: () => J, group: JobGroup, put: (queued: QueuedJob) => void): Promise<OutcomeOf<J>> {
    return new Promise((resolve, reject) => {
      put({ make, group, resolve: (outcome) => { resolve(outcome as OutcomeOf<J>); }, reject });
      dispatch();
    });
  }

  return {
    executes: threads[0].executes,
    run: (make, group) => enqueue(make, group, (queued) => waiting.push(queued)),
    // Sums go first: they set memory free.
    runFirst: (job, group) => enqueue(() => job, group, (queued) => waiting.unshift(queued)),
    async dispose() {
      disposed = true;
      for (const { reject } of waiting.splice(0)) reject(new BpttError('cancelled', 'the compute threads were ended'));
      await Promise.all(slots.map(async (slot) => {
        await slot.replacing;
        await slot.thread.terminate();
      }));
    },
  };
}
