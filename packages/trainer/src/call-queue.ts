/** Lets calls wait for one another: a backend runs one program at a time, and its results hold until the next. */
export class CallQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Starts `call` when all calls before it have settled. */
  run<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#last.then(call);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
