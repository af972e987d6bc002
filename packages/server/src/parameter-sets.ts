import { assert } from '@bptt/core';
import type { ParametersWanted } from './endpoint.js';

/** A set of parameters that is in memory. A step may have several: iterates before and after a restore, and their average. */
export interface ParameterSet {
  /** Steps done. */
  readonly step: number;
  /** SHA-256 of its bytes, hex. */
  readonly sha256: string;
}

/** Which of the buffers hold what. Two hold iterates in turn; the third, where there is one, their average. */
export const AVERAGE_BUFFER = 2;

/**
 * Knows which parameters lie in which buffer, so that they can be asked for by their hash. A buffer that is about to be written is forgotten first,
 * so that nobody is given what is being changed.
 */
export class ParameterSets {
  readonly #held: (ParameterSet | undefined)[] = [undefined, undefined, undefined];
  #iterate = 0;

  /** @param iterate lies in buffer 0. @param average lies in `AVERAGE_BUFFER` */
  constructor(iterate: ParameterSet, average: ParameterSet | undefined) {
    this.#held[0] = iterate;
    this.#held[AVERAGE_BUFFER] = average;
  }

  /** The buffer of the parameters that the next step starts from. */
  get iterateBuffer(): number {
    return this.#iterate;
  }

  /** The parameters that the next step starts from. */
  get iterate(): ParameterSet {
    const held = this.#held[this.#iterate];
    assert(held !== undefined, () => 'the parameters of the step are gone');
    return held;
  }

  /** The average of iterates, where it is known. */
  get average(): ParameterSet | undefined {
    return this.#held[AVERAGE_BUFFER];
  }

  /** The parameters that the run is judged by: the average where it is known, else the newest iterate. */
  get judged(): ParameterSet {
    return this.average ?? this.iterate;
  }

  /** Begins to write the next iterate. Returns its buffer. */
  beginIterate(): number {
    const into = 1 - this.#iterate;
    this.#held[into] = undefined;
    return into;
  }

  /** The next iterate is there. */
  endIterate(set: ParameterSet): void {
    this.#iterate = 1 - this.#iterate;
    this.#held[this.#iterate] = set;
  }

  /** The average changes, or is known; undefined forgets it. */
  setAverage(set: ParameterSet | undefined): void {
    this.#held[AVERAGE_BUFFER] = set;
  }

  /** The buffer of the parameters with this hash and of this step; either may be left open. */
  find({ step, sha256 }: ParametersWanted): { readonly set: ParameterSet; readonly buffer: number } | undefined {
    for (const buffer of [AVERAGE_BUFFER, this.#iterate, 1 - this.#iterate]) {
      const set = this.#held[buffer];
      if (set !== undefined && (step ?? set.step) === set.step && (sha256 ?? set.sha256) === set.sha256) return { set, buffer };
    }
    return undefined;
  }

  /** Whether `set` lies where it was found. */
  isHeld(set: ParameterSet): boolean {
    return this.#held.includes(set);
  }
}
