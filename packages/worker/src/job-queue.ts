import { BpttError } from '@bptt/core';
import type { ComputeThread } from './thread-handle.js';
import { isMicroshard, type Job, type OutcomeOf, type SharedParameters } from './thread-protocol.js';

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

/** One thread, and what it is at. */
interface Slot {
  thread: ComputeThread;
  busy: boolean;
  /** Whether it is at a microshard, which others can help with. */
  computing: boolean;
  /** The parameters that the thread has read. */
  holds: Float32Array | undefined;
  /** Settles when the thread that takes the place of a dead one is there; never rejects. */
  replacing: Promise<void> | undefined;
  /** Whether a microshard has begun since the thread last found nobody to help, so that it may ask again. */
  mayAssist: boolean;
  /** Settles when the thread helps others no more; never rejects. */
  assisting: Promise<unknown> | undefined;
  /** Whether it was called back from that. */
  recalled: boolean;
}

/** @param restart starts a thread in the place of one that died; used at most `RESTARTS_MAX` times */
export function createJobQueue(threads: readonly ComputeThread[], restart: () => Promise<ComputeThread>): JobQueue {
  return new ThreadQueue(threads, restart);
}

class ThreadQueue implements JobQueue {
  readonly executes: string;
  readonly #slots: readonly Slot[];
  readonly #restart: () => Promise<ComputeThread>;
  readonly #waiting: QueuedJob[] = [];
  #restarts = 0;
  #isSending = false;
  #disposed = false;

  constructor(threads: readonly ComputeThread[], restart: () => Promise<ComputeThread>) {
    this.executes = threads[0].executes;
    this.#slots = threads.map((thread) => ({ thread, busy: false, computing: false, holds: undefined, replacing: undefined, mayAssist: false, assisting: undefined, recalled: false }));
    this.#restart = restart;
  }

  run<J extends Job>(make: () => J, group: JobGroup): Promise<OutcomeOf<J>> {
    return this.#enqueue(make, group, (queued) => this.#waiting.push(queued));
  }

  // Sums go first: they set memory free.
  runFirst<J extends Job>(job: J, group: JobGroup): Promise<OutcomeOf<J>> {
    return this.#enqueue(() => job, group, (queued) => this.#waiting.unshift(queued));
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new BpttError('cancelled', 'the compute threads were ended'));
    await Promise.all(this.#slots.map(async (slot) => {
      await slot.replacing;
      await slot.thread.terminate();
    }));
  }

  #enqueue<J extends Job>(make: () => J, group: JobGroup, put: (queued: QueuedJob) => void): Promise<OutcomeOf<J>> {
    return new Promise((resolve, reject) => {
      put({ make, group, resolve: (outcome) => { resolve(outcome as OutcomeOf<J>); }, reject });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    for (;;) {
      const slot = this.#slots.find(({ busy }) => !busy);
      const next = slot === undefined ? undefined : this.#waiting.shift();
      if (slot === undefined || next === undefined) break;
      if (next.group.signal.aborted) next.reject(new BpttError('cancelled', 'the node of this job was given up'));
      else void this.#work(slot, next);
    }
    if (this.#waiting.length > 0) this.#callBack(this.#waiting.length);
    else this.#sendToAssistSoon();
  }

  async #work(slot: Slot, { make, group, resolve, reject }: QueuedJob): Promise<void> {
    slot.busy = true;
    try {
      const job = prepare(slot, make(), group);
      slot.computing = isMicroshard(job);
      if (slot.computing) for (const other of this.#slots) other.mayAssist = true;
      resolve(await slot.thread.run(job));
    } catch (error) {
      slot.holds = undefined;
      // Who helped a dead thread may still write to memory of its job.
      if (slot.computing && !slot.thread.alive) await this.#endAssistance();
      reject(error);
    }
    slot.computing = false;
    await this.#replaceIfDead(slot);
    slot.busy = false;
    this.#dispatch();
  }

  /** Later in this turn of the event loop sums of what is done may follow, which go first. */
  #sendToAssistSoon(): void {
    if (this.#isSending || this.#slots.length === 1) return;
    this.#isSending = true;
    setImmediate(() => {
      this.#isSending = false;
      this.#sendToAssist();
    });
  }

  /** Threads without a job help those that compute. */
  #sendToAssist(): void {
    if (this.#waiting.length > 0 || this.#disposed || !this.#slots.some(({ computing }) => computing)) return;
    for (const slot of this.#slots) if (!slot.busy && slot.mayAssist && slot.thread.alive && slot.thread.assists) void this.#assist(slot);
  }

  async #assist(slot: Slot): Promise<void> {
    slot.busy = true;
    slot.mayAssist = false;
    slot.recalled = false;
    // Where it fails, whoever it helped fails.
    slot.assisting = slot.thread.run({ kind: 'assist' }).catch(() => undefined);
    await slot.assisting;
    slot.assisting = undefined;
    await this.#replaceIfDead(slot);
    slot.busy = false;
    this.#dispatch();
  }

  /** Calls helpers back until so many are on their way. They may help again afterwards. */
  #callBack(count: number): void {
    const helpers = this.#slots.filter(({ assisting }) => assisting !== undefined);
    const missing = count - helpers.filter(({ recalled }) => recalled).length;
    for (const slot of helpers.filter(({ recalled }) => !recalled).slice(0, Math.max(0, missing))) {
      slot.recalled = true;
      slot.mayAssist = true;
      slot.thread.callBack();
    }
  }

  async #endAssistance(): Promise<void> {
    const underWay = this.#slots.map(({ assisting }) => assisting);
    this.#callBack(this.#slots.length);
    for (const assisting of underWay) await assisting;
  }

  async #replaceIfDead(slot: Slot): Promise<void> {
    if (slot.thread.alive || this.#disposed) return;
    slot.replacing = this.#replace(slot);
    await slot.replacing;
  }

  async #replace(slot: Slot): Promise<void> {
    if (this.#restarts >= RESTARTS_MAX) return;
    this.#restarts += 1;
    try {
      slot.thread = await this.#restart();
    } catch {
      // The dead thread stays in its place and refuses each job with the reason of its end; the next refusal tries again.
    }
  }
}

function prepare(slot: Slot, job: Job, { parameters }: JobGroup): Job {
  if (!isMicroshard(job) || slot.holds === parameters.values) return job;
  slot.holds = parameters.values;
  return { ...job, parameters };
}
