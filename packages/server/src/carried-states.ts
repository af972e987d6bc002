import { countNode, type Round } from './round.js';
import type { TreeNode } from '@bptt/core';

type States = readonly (Float32Array | undefined)[];

/**
 * The hidden states that stream mode carries from one step to the next, one array a microshard in the order of `carryParts` of core, undefined where it is zero. What
 * pushes bring counts only when their step completes.
 */
export class CarriedStates {
  #current: (Float32Array | undefined)[];
  readonly #pending = new Map<number, Float32Array>();

  constructor(states: States) {
    this.#current = [...states];
  }

  /** At the start of the step under way. Arrays are never changed. */
  get current(): States {
    return this.#current;
  }

  /** Makes all states zero: an epoch begins. */
  reset(): void {
    this.#current = this.#current.map(() => undefined);
  }

  /** Keeps a copy of the final states of `node`, which lie one after the other in `bytes`. */
  collect(round: Round, node: TreeNode, bytes: Uint8Array): void {
    if (countNode(round, node).stateBytes === 0) return;
    let at = 0;
    for (let index = node.begin; index < node.begin + node.width; index += 1) {
      const length = round.leaves[index]?.stateBytes ?? 0;
      if (length > 0) this.#pending.set(index, new Float32Array(new Uint8Array(bytes.subarray(at, at + length)).buffer));
      at += length;
    }
  }

  /** Final states become current: their step is complete. */
  accept(): void {
    for (const [index, states] of this.#pending) this.#current[index] = states;
    this.#pending.clear();
  }

  /**
   * The step exploded: all states become zero. Those of healthy microshards too, because which of them came in one push with the
   * exploded one, and so without states, depends on how workers were assigned, and the bits of a run must not.
   */
  rejectAll(): void {
    this.#pending.clear();
    this.reset();
  }

  /** Final states of a step that was given up are forgotten. */
  forget(): void {
    this.#pending.clear();
  }
}
