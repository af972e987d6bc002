import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endWithUs, killAfter, tailOf } from './child-processes.js';
import { Unavailable, type Contender } from './contender.js';
import { inTime } from './in-time.js';

/** Longest wait for a process to load its library and warm up, and for one step of it. */
const ANSWER_TIMEOUT_MS = 300_000;
/** How long a process may take to end by itself. */
const END_TIMEOUT_MS = 5_000;
/** Begins the last line of a process that cannot take part on this machine; the reason follows. */
export const UNAVAILABLE_PREFIX = 'unavailable: ';

export interface LineProcessOptions {
  readonly command: string;
  readonly arguments: readonly string[];
  /** Added to the environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * A process that takes part in a benchmark. It prints one JSON object when it is ready, `{"peer": ..., "pids": [...]}`, then does its work once for
 * each line it is sent and answers `{"seconds": ...}`. It ends when its input does.
 */
export class LineProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string, undefined>;
  readonly #ended: Promise<Error>;

  constructor({ command, arguments: given, environment }: LineProcessOptions) {
    const child = spawn(command, given, { env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    endWithUs(child);
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const stderr = tailOf(child.stderr);
    // Writing to a process that has ended fails here too; `ended` says why it ended.
    child.stdin.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      child.once('error', resolve);
      child.once('close', (code, signal) => {
        const lastWords = stderr().trim().split('\n').at(-1);
        resolve(new Error(lastWords === '' || lastWords === undefined ? `ended with ${String(code ?? signal)}` : lastWords));
      });
    });
  }

  /** Asks for one more step and waits for it; its answer. */
  ask(): Promise<Record<string, unknown>> {
    this.#child.stdin?.write('\n');
    return this.answer();
  }

  /** The next line, as JSON. @throws Error with the last words of a process that has ended; Unavailable where these say so */
  async answer(): Promise<Record<string, unknown>> {
    const answer = await inTime(this.#nextLine(), 'answer', ANSWER_TIMEOUT_MS);
    if (typeof answer === 'string') return JSON.parse(answer) as Record<string, unknown>;
    if (answer.message.startsWith(UNAVAILABLE_PREFIX)) throw new Unavailable(answer.message.slice(UNAVAILABLE_PREFIX.length));
    throw answer;
  }

  /** The next line, or why there is none. */
  async #nextLine(): Promise<string | Error> {
    const line = await this.#lines.next();
    return line.done === true ? this.#ended : line.value;
  }

  /** Lets the process end, and ends it where it does not. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    await killAfter(END_TIMEOUT_MS, this.#child, this.#ended);
  }
}

/** A process as a contender. `executes` tells what executes there from its first words, and throws where they disqualify it. */
export async function startProcess(name: string, options: LineProcessOptions, executes: (hello: Readonly<Record<string, unknown>>) => string): Promise<Contender> {
  const child = new LineProcess(options);
  try {
    const hello = await child.answer();
    return {
      name,
      executes: executes(hello),
      pids: Array.isArray(hello['pids']) ? hello['pids'].map(Number) : [],
      step: async () => Number((await child.ask())['seconds']) * 1e3,
      close: () => child.close(),
    };
  } catch (error) {
    await child.close();
    throw error;
  }
}

/** A module of the benchmark in a process of its own. */
export function startNode(name: string, path: string, given: readonly string[]): Promise<Contender> {
  return startProcess(name, { command: process.execPath, arguments: [path, ...given] }, ({ peer }) => String(peer));
}
