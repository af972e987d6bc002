import { join } from 'node:path';
import { assert, BpttError } from '@bptt/core';
import { HASH_STEPS, journalledHashes, LineFile, readJournal, type JournalLine } from './journal.js';
import type { RunMetric } from './run-event.js';

export interface RunLogOptions {
  readonly runDirectory: string;
  /** Steps done at the start. */
  readonly step: number;
  readonly stepsTotal: number;
  readonly checkpointEvery: number;
  readonly onWarning: (message: string) => void;
}

/** What a run writes down: `journal.jsonl`, the proof of what was done, and `metrics.jsonl`, what people want to see. */
export class RunLog {
  readonly #options: RunLogOptions;
  readonly #journal: LineFile;
  readonly #metrics: LineFile;
  readonly #hashes: ReadonlyMap<number, string>;
  #acknowledged: number;

  constructor(options: RunLogOptions) {
    this.#options = options;
    this.#acknowledged = options.step;
    const path = join(options.runDirectory, 'journal.jsonl');
    this.#hashes = journalledHashes(readJournal(path));
    this.#journal = new LineFile(path, warn('journal.jsonl'));
    this.#metrics = new LineFile(join(options.runDirectory, 'metrics.jsonl'), warn('metrics.jsonl'));

    function warn(name: string): (error: Error) => void {
      return (error) => { options.onWarning(`${name} could not be synced: ${error.message}`); };
    }
  }

  /** Steps whose journal line is written. */
  get stepAcknowledged(): number {
    return this.#acknowledged;
  }

  /** Steps whose journal line is on disk. */
  get stepDurable(): number {
    return this.#options.step + this.#journal.linesDurable;
  }

  /** Whether the journal has the hash of the parameters after `step`, or had it when the server that stopped did this step. */
  wantsHash(step: number): boolean {
    const { stepsTotal, checkpointEvery } = this.#options;
    return this.#hashes.has(step) || step % HASH_STEPS === 0 || step >= stepsTotal || (checkpointEvery > 0 && step % checkpointEvery === 0);
  }

  /**
   * Writes a step down.
   * @param line has the hash where `wantsHash`
   * @throws BpttError `data-loss` where this step was journalled before, by a server that stopped, with another hash
   */
  step(line: JournalLine): void {
    const { parametersSha256 } = line;
    assert((parametersSha256 !== undefined) === this.wantsHash(line.step), () => `step ${String(line.step)}: expected ${this.wantsHash(line.step) ? 'a' : 'no'} hash of the parameters`);
    const expected = this.#hashes.get(line.step);
    if (expected !== undefined && expected !== parametersSha256) {
      throw new BpttError('data-loss', `step ${String(line.step)}: expected parameters sha256 ${expected} as journalled before, got ${String(parametersSha256)}`);
    }
    this.#journal.append(line);
    this.#acknowledged = line.step;
  }

  metric(event: RunMetric): void {
    this.#metrics.append(event);
  }

  /** Makes everything durable. Blocks. */
  sync(): void {
    this.#journal.sync();
    this.#metrics.sync();
  }

  close(): void {
    this.#journal.close();
    this.#metrics.close();
  }
}
