import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { vectorEntrant } from './backend-contender.js';
import type { Contender } from './contender.js';
import type { Rounds } from './rounds.js';

/** Cores that the benchmark keeps busy at most. */
const CORES_MAX = 2;
/** Multiplications and additions of a probe: some 20 milliseconds. */
const PROBE_FLOPS = 4e8;
/** Probes at the beginning, from which is known how fast they are. */
const FIRST_PROBES = 20;
/** A probe that takes so many times as long as the fastest one on as many cores tells that others slow the machine. */
const SLOWED = 1.1;
const PAUSE_MS = 200;
/** After so long a turn waits no longer, and is not made again. */
const TURN_WAIT_MS = 5_000;

/** How much other programs were in the way. */
export interface Disturbance {
  /** What waiting for them, and turns that were made again, took. */
  readonly waitedMs: number;
  /** Turns that were made again. */
  readonly repeated: number;
  /** Turns that count although somebody was seen to slow the machine just before or after them. */
  readonly disturbed: number;
  readonly turns: number;
}

/**
 * Keeps other programs out of the turns of a benchmark: on a virtual machine the neighbours come and go, and half of the time a core has half of its speed. Before a turn it waits until
 * probes are as fast as they have been, and one that ends while they are slower is made again, for as long as there is patience. Probes are multiplications and additions in
 * registers, at once on as many cores as the turn keeps busy; who only slows the memory is not seen.
 */
export class QuietMachine {
  readonly #probes: readonly Contender[];
  readonly #found = { repeated: 0, disturbed: 0, turns: 0 };
  readonly #patienceMs: number;
  /** By how many cores are probed: two may slow each other. */
  readonly #fastestMs: number[] = [];
  /** What turns on so many cores have waited: each kind has patience of its own, or those that come first would leave nothing to the others. */
  readonly #waitedMs: number[] = Array.from({ length: CORES_MAX + 1 }, () => 0);

  /** @param patienceMs after so much waiting and turns for nothing, all those on as many cores together, turns are made as they come */
  constructor(probes: readonly Contender[], patienceMs: number) {
    this.#probes = probes;
    this.#patienceMs = patienceMs;
  }

  /** With probes in processes of their own. @throws Unavailable where this Node has no WebAssembly SIMD */
  static async open(patienceMs: number): Promise<QuietMachine> {
    const probes: Contender[] = [];
    while (probes.length < Math.min(CORES_MAX, cpus().length)) probes.push(await vectorEntrant('simd', PROBE_FLOPS).open());
    return new QuietMachine(probes, patienceMs);
  }

  get disturbance(): Disturbance {
    return { ...this.#found, waitedMs: this.#waitedMs.reduce((sum, ms) => sum + ms, 0) };
  }

  /** Learns how fast probes are, on one core and on more. To be called once, before any turn. */
  async begin(): Promise<void> {
    for (const cores of this.#probes.keys()) for (let i = 0; i < FIRST_PROBES; i += 1) await this.#isQuiet(cores + 1);
  }

  /** Makes a turn that keeps so many cores busy while nobody else slows the machine, as far as that can be had. */
  async turn<T>(cores: number, turn: () => Promise<T>): Promise<T> {
    this.#found.turns += 1;
    const mostMs = Math.min(this.#patienceMs, this.#waitedMs[cores] + TURN_WAIT_MS);
    for (;;) {
      const wasQuiet = await this.#wait(cores, mostMs);
      const begin = performance.now();
      const result = await turn();
      if (wasQuiet && (await this.#isQuiet(cores))) return result;
      if (this.#waitedMs[cores] >= mostMs) {
        this.#found.disturbed += 1;
        return result;
      }
      this.#found.repeated += 1;
      this.#waitedMs[cores] += performance.now() - begin;
    }
  }

  /** So many turns, each of which keeps so many cores busy. */
  rounds(count: number, cores: number): Rounds {
    return { count, make: (turn) => this.turn(cores, turn) };
  }

  async close(): Promise<void> {
    for (const probe of this.#probes) await probe.close();
  }

  /** Until it is quiet, or so much has been waited in all. Whether it is quiet. */
  async #wait(cores: number, mostMs: number): Promise<boolean> {
    for (;;) {
      const begin = performance.now();
      if (await this.#isQuiet(cores)) return true;
      if (this.#waitedMs[cores] >= mostMs) return false;
      await pause(PAUSE_MS);
      this.#waitedMs[cores] += performance.now() - begin;
    }
  }

  async #isQuiet(cores: number): Promise<boolean> {
    const slowestMs = Math.max(...(await Promise.all(this.#probes.slice(0, cores).map((probe) => probe.step()))));
    this.#fastestMs[cores] = Math.min(this.#fastestMs[cores] ?? Infinity, slowestMs);
    return slowestMs <= SLOWED * this.#fastestMs[cores];
  }
}
