import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endWithUs, killAfter, tailOf } from './child-processes.js';

/** How long a process may take to end after it was asked to. */
const END_TIMEOUT_MS = 30_000;

/** One line of a process. */
export type JsonEvent = Readonly<Record<string, unknown>>;

export interface JsonProcessOptions {
  readonly arguments: readonly string[];
  /** Hears every line as it comes, with the time of `performance.now`. Must not throw. */
  readonly onEvent?: (event: JsonEvent, atMs: number) => void;
}

/** A Node process that prints one JSON object a line, such as `bptt train --json`. */
export class JsonProcess {
  /** Rejects where the process ended by itself before `stop`, with its last words. */
  readonly failed: Promise<never>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #wanted = new Map<unknown, (event: JsonEvent) => void>();
  #stopping = false;

  constructor({ arguments: given, onEvent }: JsonProcessOptions) {
    const child = spawn(process.execPath, given, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    endWithUs(child);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as JsonEvent;
      onEvent?.(event, performance.now());
      this.#wanted.get(event['event'])?.(event);
    });
    const stderr = tailOf(child.stderr);
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
        if (!this.#stopping) reject(new Error(`${given.slice(0, 2).join(' ')} ended with ${String(code ?? signal)}: ${stderr().trim()}`));
      });
    });
    // Whoever waits for something hears of it; nobody may be waiting.
    this.failed.catch(() => undefined);
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the process could not be started');
    return this.#child.pid;
  }

  /** The next event of that name. Rejects as `failed` does. */
  next(name: string): Promise<JsonEvent> {
    const event = new Promise<JsonEvent>((resolve) => {
      this.#wanted.set(name, resolve);
    });
    return Promise.race([event, this.failed]);
  }

  /** From now on its end is no failure. */
  release(): void {
    this.#stopping = true;
  }

  /** Stops the process where it is, until `goOn`. It keeps its memory and takes no time. */
  rest(): void {
    this.#child.kill('SIGSTOP');
  }

  /** After `rest`; of a process that works it changes nothing. */
  goOn(): void {
    this.#child.kill('SIGCONT');
  }

  /** Interrupts the process, resting or not, and waits for its end. */
  async stop(): Promise<void> {
    this.release();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGINT');
      this.goOn();
    }
    await killAfter(END_TIMEOUT_MS, this.#child, this.#ended);
  }
}
