import type { ParameterSet, PlacedSet } from './parameter-sets.js';
import type { UpdateThread } from './update-client.js';

/**
 * SHA-256 of sets of parameters, by the update thread. Steps and workers name a set by its version, so a hash is computed only when somebody asks: a checkpoint,
 * the journal, a pull over a network.
 */
export class ParameterHashes {
  readonly #thread: Pick<UpdateThread, 'call'>;
  readonly #asked = new WeakMap<ParameterSet, Promise<string>>();

  constructor(thread: Pick<UpdateThread, 'call'>) {
    this.#thread = thread;
  }

  /** Of a set that is held, hex: whatever is written to its buffer later is written by the same thread, after this. */
  of({ set, buffer }: PlacedSet): Promise<string> {
    const asked = this.#asked.get(set) ?? this.#compute(set, buffer);
    this.#asked.set(set, asked);
    return asked;
  }

  async #compute(set: ParameterSet, buffer: number): Promise<string> {
    set.sha256 ??= await this.#thread.call('sha256', buffer);
    return set.sha256;
  }
}
