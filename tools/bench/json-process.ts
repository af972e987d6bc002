import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endWithUs } from './child-processes.js';

/** How long a process may take to end after it was asked to. */
const END_TIMEOUT_MS = 30_000;
/** Standard error that is kept for its message. */
const STDERR_CHARACTERS_MAX = 4_000;

/** One line of a process. */
export type JsonEvent = Readonly<Record<string, unknown>>;

export interface JsonProcessOptions {
  readonly arguments: readonly string[];
  /** Hears every line as it comes, with the time of `performance.now`. Must not throw. */
  readonly onEvent: (event: JsonEvent, atMs: number) => void;
}

/** A Node process that prints one JSON object a line, such as `bptt train --json`. */
export class JsonProcess {
  /** Rejects where the process ended by itself before `stop`, with its last words. */
  readonly failed: Promise<never>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #stopping = false;
  #stderr = '';

  constructor({ arguments: given, onEvent }: JsonProcessOptions) {
    const child = spawn(process.execPath, given, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    endWithUs(child);
    createInterface({ input: child.stdout }).on('line', (line) => {
      onEvent(JSON.parse(line) as JsonEvent, performance.now());
    });
    child.stderr.on('data', (data: Buffer) => {
      this.#stderr = (this.#stderr + data.toString('utf8')).slice(-STDERR_CHARACTERS_MAX);
    });
    let end: () => void = () => undefined;
    this.#ended = new Promise((resolve) => {
      end = resolve;
    });
    this.failed = new Promise((_, reject) => {
      child.once('error', (error) => {
        end();
        reject(error);
      });
      child.once('close', (code, signal) => {
        end();
        if (!this.#stopping) reject(new Error(`${given.slice(0, 2).join(' ')} ended with ${String(code ?? signal)}: ${this.#stderr.trim()}`));
      });
    });
    // Whoever waits for something hears of it; nobody may be waiting.
    this.failed.catch(() => undefined);
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the process could not be started');
    return this.#child.pid;
  }

  /** From now on its end is no failure. */
  release(): void {
    this.#stopping = true;
  }

  /** Interrupts the process and waits for its end. */
  async stop(): Promise<void> {
    this.release();
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGINT');
    const timer = setTimeout(() => {
      this.#child.kill('SIGKILL');
    }, END_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
  }
}
