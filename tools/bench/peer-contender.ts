import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { topUnits } from '@bptt/core';
import { Unavailable, type Contender, type Entrant } from './contender.js';
import type { Workload } from './workload.js';

/** Where Debian's Python lives, whose packages the peers need. */
const PYTHON = '/usr/bin/python3';
const PEERS = join(import.meta.dirname, '..', 'peers');
/** Longest wait for a peer to load its library and warm up, and for one step of it. */
const ANSWER_TIMEOUT_MS = 120_000;
/** Standard error of a peer that is kept for its message. */
const STDERR_CHARACTERS_MAX = 4_000;
/** The reference BLAS, Debian's `libblas3`: several times slower than the OpenBLAS that a PyTorch user has. */
const SLOW_BLAS = /^libblas\./;

export interface PeerOptions {
  readonly name: string;
  /** Script in `tools/peers`. */
  readonly script: string;
  /** Debian packages that it needs. */
  readonly packages: string;
  readonly arguments: readonly string[];
  /** Default `/usr/bin/python3`. */
  readonly python?: string;
}

/** PyTorch, one thread, on the same model and batches. */
export function torchEntrant(name: string, workload: Workload): Entrant {
  return peerEntrant({ name, script: 'torch_lm.py', packages: 'python3-torch libopenblas0-pthread', arguments: ['--cell', 'rnn', '--input', 'onehot', ...workloadArguments(workload)] });
}

/** The tutorial's NumPy code, one sentence after the other. */
export function numpyEntrant(name: string, workload: Workload): Entrant {
  return peerEntrant({ name, script: 'numpy_tutorial.py', packages: 'python3-numpy libopenblas0-pthread', arguments: workloadArguments(workload) });
}

function workloadArguments({ model, truncation, T, B }: Workload): string[] {
  const sizes = { vocabulary: model.vocabulary, hidden: topUnits(model), steps: T, batch: B, ...(truncation.kind === 'window' && { window: truncation.k }) };
  return Object.entries(sizes).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** A Python process that makes one training step for each line it is sent. */
export function peerEntrant(options: PeerOptions): Entrant {
  return { name: options.name, open: () => startPeer(options) };
}

async function startPeer({ name, script, packages, arguments: given, python = PYTHON }: PeerOptions): Promise<Contender> {
  const threads = { OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
  const child = spawn(python, [join(PEERS, script), ...given, '--interactive'], { env: { ...process.env, ...threads }, stdio: ['pipe', 'pipe', 'pipe'] });
  const peer = new Peer(child, createInterface({ input: child.stdout }));
  try {
    const hello = await peer.answer();
    const [library, blas] = [String(hello.peer), String(hello.blas)];
    if (SLOW_BLAS.test(blas)) throw new Unavailable(`${library} uses the slow BLAS ${blas}: apt-get install ${packages}`);
    return {
      name,
      executes: `${library}, ${blas}, 1 thread`,
      step: async () => Number((await peer.ask()).seconds) * 1e3,
      close: () => peer.close(),
    };
  } catch (error) {
    await peer.close();
    if (error instanceof Unavailable) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    if (/ENOENT|ModuleNotFoundError/.test(reason)) throw new Unavailable(`not installed (${reason}): apt-get install ${packages}`, { cause: error });
    throw new Error(`${name}: ${reason}`, { cause: error });
  }
}

class Peer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string, undefined>;
  readonly #ended: Promise<Error>;
  #stderr = '';

  constructor(child: ChildProcess, lines: Interface) {
    this.#child = child;
    this.#lines = lines[Symbol.asyncIterator]();
    child.stderr?.on('data', (data: Buffer) => {
      this.#stderr = (this.#stderr + data.toString('utf8')).slice(-STDERR_CHARACTERS_MAX);
    });
    // Writing to a process that has ended fails here too; `close` below says why it ended.
    child.stdin?.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      child.once('error', resolve);
      child.once('close', (code, signal) => {
        const lastWords = this.#stderr.trim().split('\n').at(-1);
        resolve(new Error(lastWords === '' || lastWords === undefined ? `ended with ${String(code ?? signal)}` : lastWords));
      });
    });
  }

  ask(): Promise<Record<string, unknown>> {
    this.#child.stdin?.write('\n');
    return this.answer();
  }

  /** The next line, as JSON. */
  async answer(): Promise<Record<string, unknown>> {
    const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const late = new Promise<Error>((resolve) => {
      timeout.onabort = () => {
        resolve(new Error(`no answer within ${String(ANSWER_TIMEOUT_MS)} ms`));
      };
    });
    const answer = await Promise.race([this.#nextLine(), late]);
    if (answer instanceof Error) throw answer;
    return JSON.parse(answer) as Record<string, unknown>;
  }

  /** The next line, or why there is none. */
  async #nextLine(): Promise<string | Error> {
    const result = await this.#lines.next();
    return result.done === true ? this.#ended : result.value;
  }

  async close(): Promise<void> {
    this.#child.kill();
    await this.#ended;
  }
}
