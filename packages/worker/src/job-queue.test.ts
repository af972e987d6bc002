import { BpttError } from '@bptt/core';
import { describe, expect, it } from 'vitest';
import { createJobQueue, type JobGroup } from './job-queue.js';
import type { ComputeThread } from './thread-handle.js';
import type { AddJob, Job, MicroshardJob } from './thread-protocol.js';

/** A thread that does what it is told to when the test says so, and keeps what it was given. */
class ScriptedThread implements ComputeThread {
  readonly executes = 'nothing';
  readonly assists: boolean;
  alive = true;
  readonly jobs: string[] = [];
  calledBack = 0;
  #settle: { resolve(): void; reject(error: unknown): void } | undefined;

  constructor(assists = true) {
    this.assists = assists;
  }

  run(job: Job): Promise<never> {
    this.jobs.push(job.kind);
    return new Promise<never>((resolve, reject) => {
      this.#settle = { resolve: () => { resolve(undefined as never); }, reject };
    });
  }

  /** Ends the job under way. */
  async finish(): Promise<void> {
    this.#settle?.resolve();
    await turn();
  }

  async die(): Promise<void> {
    this.alive = false;
    this.#settle?.reject(new BpttError('internal', 'it died'));
    await turn();
  }

  callBack(): void {
    this.calledBack += 1;
  }

  terminate(): Promise<void> {
    return this.die();
  }
}

/** Two turns of the event loop: one for what is sent later in a turn, one for what follows. */
async function turn(): Promise<void> {
  for (let i = 0; i < 2; i += 1) await new Promise((resolve) => { setImmediate(resolve); });
}

const group: JobGroup = { parameters: { values: new Float32Array(), isInMemory: false }, signal: new AbortController().signal };
const microshard = { kind: 'gradient' } as MicroshardJob;
const sum = { kind: 'add' } as AddJob;

function queueOf(...threads: ScriptedThread[]) {
  const started: ScriptedThread[] = [];
  const queue = createJobQueue(threads, () => {
    const thread = new ScriptedThread();
    started.push(thread);
    return Promise.resolve(thread);
  });
  const run = (): Promise<unknown> => queue.run(() => microshard, group);
  return { queue, run, started };
}

describe('a queue of jobs whose threads help each other', () => {
  it('sends a thread without a job to help beside a microshard, but not beside a sum, and none that cannot', async () => {
    const [a, b, c] = [new ScriptedThread(), new ScriptedThread(), new ScriptedThread(false)];
    const { queue, run } = queueOf(a, b, c);
    const added = queue.runFirst(sum, group);
    await turn();
    expect([a.jobs, b.jobs, c.jobs]).toEqual([['add'], [], []]);
    await a.finish();
    await added;
    const computed = run();
    await turn();
    expect([a.jobs, b.jobs, c.jobs]).toEqual([['add', 'gradient'], ['assist'], []]);
    await b.finish();
    expect(b.jobs).toEqual(['assist']);
    await a.finish();
    await computed;
  });

  it('calls as many back as jobs wait, and lets them help again afterwards', async () => {
    const [a, b, c] = [new ScriptedThread(), new ScriptedThread(), new ScriptedThread()];
    const { queue, run } = queueOf(a, b, c);
    void run();
    await turn();
    const added = queue.runFirst(sum, group);
    expect([a.calledBack, b.calledBack, c.calledBack]).toEqual([0, 1, 0]);
    await b.finish();
    expect(b.jobs).toEqual(['assist', 'add']);
    await b.finish();
    await added;
    expect([b.jobs, c.jobs]).toEqual([['assist', 'add', 'assist'], ['assist']]);
    // A microshard that begins meanwhile changes nothing of that.
    void run();
    await turn();
    expect([b.calledBack, c.calledBack]).toEqual([2, 0]);
  });

  it('rejects the job of a thread that died only when its helpers are out of it, and replaces the thread', async () => {
    const [a, b] = [new ScriptedThread(), new ScriptedThread()];
    const { run, started } = queueOf(a, b);
    let rejected = false;
    const failed = run().catch((error: unknown) => {
      rejected = true;
      return error;
    });
    await turn();
    await a.die();
    expect([rejected, b.calledBack]).toEqual([false, 1]);
    await b.finish();
    expect(await failed).toMatchObject({ message: 'it died' });
    expect(started).toHaveLength(1);
  });

  it('replaces a helper that died, and ends with helpers under way', async () => {
    const [a, b] = [new ScriptedThread(), new ScriptedThread()];
    const { queue, run, started } = queueOf(a, b);
    const computed = run();
    await turn();
    await b.die();
    expect(started).toHaveLength(1);
    await a.finish();
    await computed;
    const again = run().catch((error: unknown) => error);
    await turn();
    await queue.dispose();
    expect(await again).toMatchObject({ message: 'it died' });
  });

  it('never sends the only thread to help', async () => {
    const a = new ScriptedThread();
    const { run } = queueOf(a);
    const computed = run();
    await turn();
    await a.finish();
    await computed;
    await turn();
    expect(a.jobs).toEqual(['gradient']);
  });
});
