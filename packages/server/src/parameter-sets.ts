import { assert } from '@bptt/core';
import type { ParametersWanted } from './endpoint.js';

/** A set of parameters that is in memory. A step may have several: iterates before and after a restore, and their average. */
export interface ParameterSet {
  /** Sets are counted; a step that changed nothing has the set of the step before. */
  readonly version: number;
  /** Steps done. */
  readonly step: number;
  /** Of its bytes, hex; undefined until somebody asked for it. */
  sha256: string | undefined;
}

/** A set and the buffer in which it lies. */
export interface PlacedSet {
  readonly set: ParameterSet;
  readonly buffer: number;
}

/** What is known of a set that is new. */
export type NewSet = Pick<ParameterSet, 'step' | 'sha256'>;

/** Which of the buffers hold what. Two hold iterates in turn; the third, where there is one, their average. */
export const AVERAGE_BUFFER = 2;

/**
 * Knows which parameters lie in which buffer, so that they can be asked for by their version. A buffer that is about to be written is forgotten first,
 * so that nobody is given what is being changed.
 */
export class ParameterSets {
  readonly #held: (ParameterSet | undefined)[] = [undefined, undefined, undefined];
  #iterate = 0;
  #versions = 0;

  /** @param iterate lies in buffer 0. @param average lies in `AVERAGE_BUFFER` */
  constructor(iterate: NewSet, average: NewSet | undefined) {
    this.#held[0] = this.#count(iterate);
    this.setAverage(average);
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
  get judged(): PlacedSet {
    return this.average === undefined ? { set: this.iterate, buffer: this.#iterate } : { set: this.average, buffer: AVERAGE_BUFFER };
  }

  /** Begins to write the next iterate. Returns its buffer. */
  beginIterate(): number {
    const into = 1 - this.#iterate;
    this.#held[into] = undefined;
    return into;
  }

  /** The next iterate is there; `isChanged`: it differs from the one before. */
  endIterate(set: NewSet, isChanged: boolean): void {
    const { version } = this.iterate;
    this.#iterate = 1 - this.#iterate;
    this.#held[this.#iterate] = isChanged ? this.#count(set) : { ...set, version };
  }

  /** The average changes, or is known; undefined forgets it. */
  setAverage(set: NewSet | undefined): void {
    this.#held[AVERAGE_BUFFER] = set && this.#count(set);
  }

  /** The parameters of this version and of this step; either may be left open. */
  find({ step, version }: ParametersWanted): PlacedSet | undefined {
    for (const buffer of [AVERAGE_BUFFER, this.#iterate, 1 - this.#iterate]) {
      const set = this.#held[buffer];
      if (set !== undefined && (step ?? set.step) === set.step && (version ?? set.version) === set.version) return { set, buffer };
    }
    return undefined;
  }

  /** Whether `set` lies where it was found. */
  isHeld(set: ParameterSet): boolean {
    return this.#held.includes(set);
  }

  #count(set: NewSet): ParameterSet {
    this.#versions += 1;
    return { ...set, version: this.#versions };
  }
}
