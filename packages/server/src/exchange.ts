import { BpttError } from '@bptt/core';
import { SharedFile, type Exchange__Output } from '@bptt/rpc';
import type { HeldParameters } from './endpoint.js';

/**
 * The server's end of the exchange of tensors with workers on the same machine: one file for parameters, which all of them read, and one for the gradients of each
 * worker. What lies in them counts only by what is said through gRPC.
 */
export class ServerExchange {
  readonly #parameters: SharedFile;
  readonly #gradients = new Map<string, SharedFile>();
  #placed: { readonly version: number; readonly done: Promise<void> } | undefined;

  private constructor(parameters: SharedFile) {
    this.#parameters = parameters;
  }

  /** Undefined on a system that has no such files. */
  static open(): ServerExchange | undefined {
    const parameters = SharedFile.create();
    return parameters && new ServerExchange(parameters);
  }

  /** What a worker that has joined is offered; null where no file can be made for it. */
  offer(workerId: string): Exchange__Output | null {
    const gradients = SharedFile.create();
    if (gradients === undefined) return null;
    this.#gradients.set(workerId, gradients);
    return { parameters: this.#parameters.offer, gradients: gradients.offer };
  }

  /** Sees to it that `parameters` lie in the file, until others are wanted. Errors as `HeldParameters.placeIn`. */
  place(parameters: HeldParameters): Promise<void> {
    const { version } = parameters;
    if (this.#placed?.version === version) return this.#placed.done;
    const placed = { version, done: parameters.placeIn(this.#parameters.descriptor) };
    this.#placed = placed;
    placed.done.catch(() => { if (this.#placed === placed) this.#placed = undefined; });
    return placed.done;
  }

  /** @throws BpttError `failed-precondition` where this worker was offered no exchange, `aborted` where it has written something else since */
  async take(workerId: string, leaseId: number, into: Uint8Array): Promise<void> {
    const file = this.#gradients.get(workerId);
    if (file === undefined) throw new BpttError('failed-precondition', `push: expected chunks of worker ${workerId}, which exchanges no files, got none`);
    if (!(await file.read(leaseId, into))) throw new BpttError('aborted', `push: the payload of lease ${String(leaseId)} does not lie in the file of worker ${workerId} any more`);
  }

  /** Gives back the files of workers that are gone. `present`: the ids of the others. */
  prune(present: readonly string[]): void {
    for (const [workerId, file] of this.#gradients) {
      if (present.includes(workerId)) continue;
      this.#gradients.delete(workerId);
      file.close();
    }
  }

  close(): void {
    this.prune([]);
    this.#parameters.close();
  }
}
