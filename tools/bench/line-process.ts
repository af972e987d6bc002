import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { endWithUs } from './child-processes.js';
import { Unavailable, type Contender } from './contender.js';

/** Longest wait for a process to load its library and warm up, and for one step of it. */
const ANSWER_TIMEOUT_MS = 300_000;
/** How long a process may take to end by itself. */
const END_TIMEOUT_MS = 5_000;
/** Standard error that is kept for its message. */
const STDERR_CHARACTERS_MAX = 4_000;
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
  #stderr = '';

  constructor({ command, arguments: given, environment }: LineProcessOptions) {
    const child = spawn(command, given, { env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    endWithUs(child);
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stderr.on('data', (data: Buffer) => {
      this.#stderr = (this.#stderr + data.toString('utf8')).slice(-STDERR_CHARACTERS_MAX);
    });
    // Writing to a process that has ended fails here too; `ended` says why it ended.
    child.stdin.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      child.once('error', resolve);
      child.once('close', (code, signal) => {
        const lastWords = this.#stderr.trim().split('\n').at(-1);
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
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Error>((resolve) => {
      timer = setTimeout(() => {
        resolve(new Error(`no answer within ${String(ANSWER_TIMEOUT_MS)} ms`));
      }, ANSWER_TIMEOUT_MS);
    });
    const answer = await Promise.race([this.#nextLine(), late]);
    clearTimeout(timer);
    if (!(answer instanceof Error)) return JSON.parse(answer) as Record<string, unknown>;
    if (answer.message.startsWith(UNAVAILABLE_PREFIX)) throw new Unavailable(answer.message.slice(UNAVAILABLE_PREFIX.length));
    throw answer;
  }

  /** The next line, or why there is none. */
  async #nextLine(): Promise<string | Error> {
    const result = await this.#lines.next();
    return result.done === true ? this.#ended : result.value;
  }

  /** Lets the process end, and ends it where it does not. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => {
      this.#child.kill('SIGKILL');
    }, END_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
  }
}

/** The contender that a process is which has said hello. */
export function processContender(name: string, executes: string, child: LineProcess, hello: Readonly<Record<string, unknown>>): Contender {
  return {
    name,
    executes,
    pids: Array.isArray(hello['pids']) ? hello['pids'].map(Number) : [],
    step: async () => Number((await child.ask())['seconds']) * 1e3,
    close: () => child.close(),
  };
}
