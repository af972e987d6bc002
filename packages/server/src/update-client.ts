import { Worker } from 'node:worker_threads';
import { BpttError, messageOf, type ErrorCode } from '@bptt/core';
import type { UpdateEngine, UpdateSettings } from './update-engine.js';

type Methods = Pick<UpdateEngine, 'open' | 'receive' | 'adopt' | 'adoptNonFinite' | 'discard' | 'update' | 'place' | 'sha256' | 'keepBest' | 'restoreBest' | 'checkpoint'>;
type Method = keyof Methods;

export interface ThreadRequest {
  readonly id: number;
  readonly method: Method;
  readonly args: readonly unknown[];
}

export interface ThreadReply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** An `UpdateEngine` in a thread of its own. Calls are done in the order in which they are made. */
export class UpdateThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #failure: BpttError | undefined;

  /** `onFailure` hears when the thread dies by itself. */
  constructor(settings: UpdateSettings, onFailure: (error: BpttError) => void) {
    this.#worker = new Worker(threadUrl(), { workerData: settings, execArgv: [] });
    this.#worker.on('message', (reply: ThreadReply) => { this.#settle(reply); });
    this.#worker.on('error', (error: unknown) => {
      const message = messageOf(error);
      onFailure(this.#fail(new BpttError('internal', `the update thread failed: ${message}`, { cause: error })));
    });
    this.#worker.on('exit', () => { this.#fail(new BpttError('cancelled', 'the update thread is closed')); });
  }

  /** Calls a method of the engine. Rejects with its `BpttError`. */
  call<M extends Method>(method: M, ...args: Parameters<Methods[M]>): Promise<ReturnType<Methods[M]>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#calls += 1;
    const id = this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage({ id, method, args } satisfies ThreadRequest);
    });
  }

  /** Ends the thread; calls under way reject. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle({ id, value, error }: ThreadReply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new BpttError(error.code, error.message));
  }

  #fail(error: BpttError): BpttError {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    return error;
  }
}

/** The built file also where this one runs as TypeScript source: threads do not inherit a loader. */
function threadUrl(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? '../dist/update-thread.js' : './update-thread.js', import.meta.url);
}
