import type { BlockPool } from '@bptt/simd';
import type { Push } from './push.js';
import type { UpdateReply, UpdateRequest } from './update-engine.js';
import type { UpdateThread } from './update-client.js';

/**
 * Payloads that the update thread has received, until their memory is free again: when the thread has answered that it forgot them. Where it does not
 * answer, or fails, their memory is never used again.
 */
export class RoundPayloads {
  readonly #thread: UpdateThread;
  readonly #buffers: BlockPool;
  /** Of the round under way. */
  #adopted: Uint8Array[] = [];

  constructor(thread: UpdateThread, buffers: BlockPool) {
    this.#thread = thread;
    this.#buffers = buffers;
  }

  /** Begins a batch; the one before is over, complete or not. `empty[i]`: microshard i has nothing to compute. */
  async open(empty: readonly boolean[]): Promise<void> {
    const over = this.#endRound();
    await this.#thread.call('open', empty);
    this.#giveBack(over);
  }

  /** Takes a push into the batch. */
  async adopt({ pushId, node }: Pick<Push, 'pushId' | 'node'>, payload: Uint8Array): Promise<void> {
    this.#adopted.push(payload);
    await this.#thread.call('adopt', pushId, node);
  }

  /** Drops a push that does not count. The thread knows nothing of one without bytes. */
  async discard({ pushId }: Pick<Push, 'pushId'>, payload: Uint8Array): Promise<void> {
    if (payload.byteLength === 0) return;
    await this.#thread.call('discard', pushId);
    this.#giveBack([payload]);
  }

  /** Makes the next parameters from the complete batch, which is over then. */
  async update(request: UpdateRequest): Promise<UpdateReply> {
    const over = this.#endRound();
    const reply = await this.#thread.call('update', request);
    this.#giveBack(over);
    return reply;
  }

  #endRound(): readonly Uint8Array[] {
    const over = this.#adopted;
    this.#adopted = [];
    return over;
  }

  #giveBack(payloads: readonly Uint8Array[]): void {
    for (const payload of payloads) this.#buffers.giveBack(payload);
  }
}
