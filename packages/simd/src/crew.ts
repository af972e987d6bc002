import { BpttError } from '@bptt/core';

/*
 * Threads that share a memory help each other. One that computes offers the chunks of its output layer; one that has nothing to do takes some of them, the last ones first, while
 * the owner goes through them from the first. Who computes a chunk changes no bit of it. What they tell each other stands on a board: for each thread a slot of words, which are read
 * and written atomically.
 */

/** The place of a thread on a board. */
export interface CrewPlace {
  readonly board: SharedArrayBuffer;
  readonly place: number;
}

/** What a thread does with a chunk that another has offered. @param reachHalfway tells the owner that the chunk is halfway done */
export type ChunkWork = (kind: number, operands: readonly number[], chunk: number, reachHalfway: () => void) => void;

/** Most chunks of an offer: a layer of more is not offered. */
export const CHUNKS_MAX = 2048;
const OPERANDS_MAX = 24;

/** Words of the board, before the slots. The first changes with everything that a waiting helper may want to know. */
const NEWS = 0;
const HELPED = 1;
const SLOTS = 2;

/** Words of a slot: whether the thread computes, whether it is called back from helping, whether it has ended, whom it helps. */
const WORKING = 0;
const RECALLED = 1;
const ENDED = 2;
const HELPING = 3;
/** What it offers: a kind, or 0 for nothing; how many chunks; with which operands; and of each chunk who has it or how far it is. */
const OFFER = 4;
const CHUNKS = 5;
const OPERANDS = 6;
const CLAIMS = OPERANDS + OPERANDS_MAX;
const SLOT_WORDS = CLAIMS + CHUNKS_MAX;

/** States of a chunk. While place `p` works on it, it is `p + 1`, and `HALFWAY + p + 1` from halfway on. */
const FREE = 0;
const FAILED = -1;
export const HALFWAY = 1 << 20;
export const DONE = 1 << 21;

/** Longest sleep of one who waits for another, so that an end that nobody announced is seen. */
const SLEEP_MS = 100;
const NEWS_SLEEP_MS = 20;

/** A board for so many threads. */
export function createCrewBoard(places: number): SharedArrayBuffer {
  return new SharedArrayBuffer((SLOTS + places * SLOT_WORDS) * Int32Array.BYTES_PER_ELEMENT);
}

/** Chunks that helpers have computed since the board was made. */
export function chunksHelped(board: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(board), HELPED);
}

/** Says whether the thread of that place computes: others stay to help as long as one does. */
export function setWorking({ board, place }: CrewPlace, isWorking: boolean): void {
  const words = new Int32Array(board);
  Atomics.store(words, slotOf(place) + WORKING, Number(isWorking));
  announce(words);
}

/** Lets the thread of that place help from now on, when it is told to. */
export function letHelp({ board, place }: CrewPlace): void {
  Atomics.store(new Int32Array(board), slotOf(place) + RECALLED, 0);
}

/** Calls the thread of that place back from helping: it returns after the chunk that it works on. */
export function callBack({ board, place }: CrewPlace): void {
  const words = new Int32Array(board);
  Atomics.store(words, slotOf(place) + RECALLED, 1);
  announce(words);
}

/** Says that the thread of that place has ended: nobody works on what it offered, and nobody waits for it. */
export function strikeOff({ board, place }: CrewPlace): void {
  const words = new Int32Array(board);
  const slot = slotOf(place);
  Atomics.store(words, slot + ENDED, 1);
  Atomics.store(words, slot + OFFER, 0);
  Atomics.store(words, slot + WORKING, 0);
  Atomics.store(words, slot + HELPING, 0);
  Atomics.notify(words, slot + HELPING);
  announce(words);
}

function slotOf(place: number): number {
  return SLOTS + place * SLOT_WORDS;
}

function announce(words: Int32Array): void {
  Atomics.add(words, NEWS, 1);
  Atomics.notify(words, NEWS);
}

/** One thread of a crew. */
export class Crew {
  readonly #words: Int32Array;
  readonly #place: number;
  readonly #slot: number;
  readonly #places: number;

  constructor({ board, place }: CrewPlace) {
    this.#words = new Int32Array(board);
    this.#place = place;
    this.#slot = slotOf(place);
    this.#places = (this.#words.length - SLOTS) / SLOT_WORDS;
  }

  /** Offers `chunks` chunks, at most `CHUNKS_MAX`; until `withdraw` what the operands name must stay. */
  offer(kind: number, operands: readonly number[], chunks: number): void {
    this.#words.set(operands, this.#slot + OPERANDS);
    this.#words.fill(FREE, this.#slot + CLAIMS, this.#slot + CLAIMS + chunks);
    this.#words[this.#slot + CHUNKS] = chunks;
    Atomics.store(this.#words, this.#slot + OFFER, kind);
    announce(this.#words);
  }

  /** Takes a chunk of the own offer; false where a helper has it. */
  take(chunk: number): boolean {
    return Atomics.compareExchange(this.#words, this.#slot + CLAIMS + chunk, FREE, this.#place + 1) === FREE;
  }

  /**
   * Waits until the helper that has this chunk is so far, `HALFWAY` or `DONE`. At once where this thread has it.
   * @throws BpttError `internal` where it failed, or its thread ended
   */
  until(chunk: number, stage: number): void {
    const at = this.#slot + CLAIMS + chunk;
    for (;;) {
      const state = Atomics.load(this.#words, at);
      // Its own chunks are as far as it is itself.
      if (state >= stage || state === this.#place + 1) return;
      if (state === FAILED) throw new BpttError('internal', `a thread that helped failed at chunk ${String(chunk)}`);
      if (this.#hasEnded((state % HALFWAY) - 1)) throw new BpttError('internal', `a thread that helped ended in chunk ${String(chunk)}`);
      Atomics.wait(this.#words, at, state, SLEEP_MS);
    }
  }

  /** Takes the offer back: afterwards no helper reads or writes what it named. Chunks that nobody has taken stay undone. */
  withdraw(): void {
    Atomics.store(this.#words, this.#slot + OFFER, 0);
    for (let place = 0; place < this.#places; place += 1) {
      const at = slotOf(place) + HELPING;
      while (Atomics.load(this.#words, at) === this.#place + 1) Atomics.wait(this.#words, at, this.#place + 1, SLEEP_MS);
    }
  }

  /** Works on what others offer until none of them computes, or this thread is called back. It blocks the thread, and throws what `work` throws. */
  assist(work: ChunkWork): void {
    for (;;) {
      const news = Atomics.load(this.#words, NEWS);
      if (this.#isRecalled() || !this.#othersWork()) return;
      let done = 0;
      // Each begins with its neighbour, so that helpers go to different owners.
      for (let i = 1; i < this.#places; i += 1) done += this.#assistAt((this.#place + i) % this.#places, work);
      if (done === 0) Atomics.wait(this.#words, NEWS, news, NEWS_SLEEP_MS);
    }
  }

  /** How many chunks of that place it has done. */
  #assistAt(place: number, work: ChunkWork): number {
    const words = this.#words;
    const slot = slotOf(place);
    if (Atomics.load(words, slot + OFFER) === 0) return 0;
    Atomics.store(words, this.#slot + HELPING, place + 1);
    try {
      // Only now is the offer sure to stay: who withdraws it looks for helpers afterwards.
      const kind = Atomics.load(words, slot + OFFER);
      if (kind === 0) return 0;
      const operands = Array.from(words.subarray(slot + OPERANDS, slot + OPERANDS + OPERANDS_MAX));
      let done = 0;
      for (let chunk = words[slot + CHUNKS] - 1; chunk >= 0 && Atomics.load(words, slot + OFFER) !== 0 && !this.#isRecalled(); chunk -= 1) {
        if (this.#assistWith(slot + CLAIMS + chunk, (reachHalfway) => { work(kind, operands, chunk, reachHalfway); })) done += 1;
      }
      return done;
    } finally {
      Atomics.store(words, this.#slot + HELPING, 0);
      Atomics.notify(words, this.#slot + HELPING);
    }
  }

  /** Does the chunk whose claim stands at `at`, unless somebody has it. */
  #assistWith(at: number, work: (reachHalfway: () => void) => void): boolean {
    const words = this.#words;
    if (Atomics.load(words, at) !== FREE || Atomics.compareExchange(words, at, FREE, this.#place + 1) !== FREE) return false;
    const tell = (state: number): void => {
      Atomics.store(words, at, state);
      Atomics.notify(words, at);
    };
    try {
      work(() => { tell(HALFWAY + this.#place + 1); });
      tell(DONE);
      Atomics.add(words, HELPED, 1);
      return true;
    } catch (error) {
      tell(FAILED);
      throw error;
    }
  }

  #isRecalled(): boolean {
    return Atomics.load(this.#words, this.#slot + RECALLED) !== 0;
  }

  #othersWork(): boolean {
    for (let place = 0; place < this.#places; place += 1) if (place !== this.#place && Atomics.load(this.#words, slotOf(place) + WORKING) !== 0) return true;
    return false;
  }

  #hasEnded(place: number): boolean {
    return place < 0 || Atomics.load(this.#words, slotOf(place) + ENDED) !== 0;
  }
}
