import { closeSync, existsSync, fdatasync, fdatasyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { BpttError } from '@bptt/core';

/** Lines after which the journal is synced. */
export const SYNC_LINES = 64;
/** Age of the oldest line that is not synced, after which the journal is synced. */
export const SYNC_MS = 1_000;
/** Steps between two journalled hashes of the parameters. */
export const HASH_STEPS = 64;

/** One step, as the journal keeps it. Numbers that are not finite are null. */
export interface JournalLine {
  /** Steps done with this one. */
  readonly step: number;
  readonly epoch: number;
  readonly tokens: number;
  readonly sequences: number;
  readonly outcome: string;
  /** Nats, summed over the targets. */
  readonly lossSum: number | null;
  readonly gradientNorm: number | null;
  readonly learningRate: number;
  /** Of the parameters after the step, every `HASH_STEPS` steps and where a checkpoint follows or the run ends. */
  readonly parametersSha256?: string;
}

/**
 * A file of JSON lines that only grows. A line is acknowledged when `append` returns: it survives the end of this process. It is durable,
 * so that it survives the end of the machine, once a later sync is over.
 */
export class LineFile {
  readonly #file: number;
  readonly #onError: (error: Error) => void;
  #linesWritten = 0;
  #linesDurable = 0;
  #syncing = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  /** Opens or creates the file. A last line that was torn by a crash is cut off. `onError` hears of a sync that failed. */
  constructor(path: string, onError: (error: Error) => void) {
    this.#onError = onError;
    const whole = existsSync(path) ? readFileSync(path).lastIndexOf(0x0a) + 1 : 0;
    this.#file = openSync(path, 'a');
    ftruncateSync(this.#file, whole);
  }

  /** Lines of this object that are on disk. */
  get linesDurable(): number {
    return this.#linesDurable;
  }

  append(line: object): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
    this.#linesWritten += 1;
    if (this.#linesWritten - this.#linesDurable >= SYNC_LINES) this.#sync();
    else this.#timer ??= setTimeout(() => { this.#sync(); }, SYNC_MS).unref();
  }

  /** Makes every line durable. Blocks. */
  sync(): void {
    fdatasyncSync(this.#file);
    this.#linesDurable = this.#linesWritten;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.sync();
    // A sync under way still uses the file; it closes it.
    if (!this.#syncing) closeSync(this.#file);
  }

  #sync(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#syncing) return;
    this.#syncing = true;
    const lines = this.#linesWritten;
    fdatasync(this.#file, (error) => {
      this.#syncing = false;
      if (this.#closed) {
        closeSync(this.#file);
        return;
      }
      if (error) this.#onError(error);
      else this.#linesDurable = Math.max(this.#linesDurable, lines);
    });
  }
}

/**
 * Lines of a journal, oldest first.
 * @throws BpttError as `readJsonLines`
 */
export function readJournal(path: string): JournalLine[] {
  return readJsonLines(path) as JournalLine[];
}

/**
 * What a file of JSON lines holds, oldest first; nothing where there is no file. A last line that was torn by a crash is left out.
 * @throws BpttError `data-loss` where another line is not JSON
 */
export function readJsonLines(path: string): unknown[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  try {
    return text.slice(0, text.lastIndexOf('\n') + 1).split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as unknown);
  } catch (cause) {
    throw new BpttError('data-loss', `${path} has lines that are not JSON`, { cause });
  }
}

/** Hashes of parameters that a run journalled, by steps done: a run that computes these steps again must come to the same ones. */
export function journalledHashes(lines: readonly JournalLine[]): Map<number, string> {
  return new Map(lines.flatMap(({ step, parametersSha256 }) => (parametersSha256 === undefined ? [] : [[step, parametersSha256] as const])));
}
