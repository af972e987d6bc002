import type { ServerConnection } from '@bptt/rpc';

/** Time of the parts of one lease, in milliseconds. */
export interface LeaseParts {
  /** Of the parameters; 0 where the worker held them. */
  readonly pullMs: number;
  /** From the parameters to the gradient, threads and tree included. */
  readonly computeMs: number;
  /** Of the gradient, until the server has answered. */
  readonly pushMs: number;
}

/** Takes the time of pulls and pushes; what lies between them is computing. */
export class LeaseClock {
  /** The connection of a worker, timed. */
  readonly connection: ServerConnection;
  readonly #onLease: (parts: LeaseParts & { readonly kind: string; readonly step: number }) => void;
  #pullMs = 0;
  #computingFromMs = 0;

  constructor(connection: ServerConnection, onLease: (parts: LeaseParts & { readonly kind: string; readonly step: number }) => void) {
    this.#onLease = onLease;
    this.connection = {
      ...connection,
      pullParameters: async (...given) => {
        const begin = performance.now();
        const pulled = await connection.pullParameters(...given);
        this.#computingFromMs = performance.now();
        this.#pullMs += this.#computingFromMs - begin;
        return pulled;
      },
      pushGradient: async (header, payload) => {
        const begin = performance.now();
        const reply = await connection.pushGradient(header, payload);
        const pushMs = performance.now() - begin;
        this.#onLease({ kind: header.kind, step: header.step, pullMs: this.#pullMs, computeMs: begin - this.#computingFromMs, pushMs });
        return reply;
      },
    };
  }

  /** A lease has come. */
  begin(): void {
    this.#pullMs = 0;
    this.#computingFromMs = performance.now();
  }
}
