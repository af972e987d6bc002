import { threadsOf, type TrainingSettings } from '@bptt/trainer/settings';
import { flagWords, type TrainingRequest } from '../command-settings.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { watchInterrupts } from '../parent.js';
import { describeEnd, startRole, type RoleEnd, type RoleProcess } from '../role-process.js';

/** How long workers may take to leave once the server has ended. */
const WORKER_GRACE_MS = 10_000;

/** What `launch` is asked to do. */
export interface LaunchRequest extends TrainingRequest {
  readonly workers: number;
  readonly listen: string;
}

/** `bptt launch <corpus> --workers N`: a parameter server and N workers, each a process of its own on this machine. */
export function launch(corpus: string, { settings, workers, listen, resume, overwrite, json }: LaunchRequest): Promise<ExitCode> {
  const serverWords = [
    'serve', corpus, ...flagWords({ ...settings, threads: undefined }), `--listen=${listen}`,
    ...(resume ? ['--resume'] : []), ...(overwrite ? ['--overwrite'] : []), ...(json ? ['--json'] : []),
  ];
  return new Cluster({ settings, workers, serverWords, json }).run();
}

interface ClusterOptions {
  readonly settings: TrainingSettings;
  readonly workers: number;
  readonly serverWords: readonly string[];
  readonly json: boolean;
}

/** The processes of one launch, and what became of them. */
class Cluster {
  readonly #options: ClusterOptions;
  readonly #signal: AbortSignal;
  readonly #running = new Set<RoleProcess>();
  readonly #workers: RoleProcess[] = [];
  #rootCause: RoleEnd | undefined;
  #summary: readonly string[] = [];
  #server: RoleProcess | undefined;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#signal = watchInterrupts(() => { this.#killAll(); });
    process.on('exit', () => { this.#killAll(); });
  }

  async run(): Promise<ExitCode> {
    const server = this.#start('server', this.#options.serverWords, (address) => { this.#startWorkers(address); });
    this.#server = server;
    const stop = (): void => { server.stop(); };
    this.#signal.addEventListener('abort', stop, { once: true });
    if (this.#signal.aborted) stop();
    const end = await server.ended;
    await this.#endWorkers();
    return this.#conclude(end);
  }

  #start(name: string, words: readonly string[], onListening: (address: string) => void = () => undefined): RoleProcess {
    const { json } = this.#options;
    const isServer = name === 'server';
    const role = startRole({
      name,
      words,
      onOutput: (line) => {
        if (!json) process.stdout.write(`[${name}] ${line}\n`);
        else if (isServer) process.stdout.write(`${line}\n`);
      },
      onError: (line) => { process.stderr.write(`[${name}] ${line}\n`); },
      onMessage: (message) => {
        if (message.type === 'listening') onListening(message.address);
        if (message.type === 'summary') this.#summary = message.lines;
      },
    });
    this.#running.add(role);
    if (!json) process.stdout.write(`${name} is process ${String(role.pid)}\n`);
    void role.ended.then(() => this.#running.delete(role));
    return role;
  }

  #startWorkers(address: string): void {
    const { settings, workers } = this.#options;
    const threads = threadsOf(settings.threads, workers);
    for (let i = 1; i <= workers; i += 1) {
      const role = this.#start(`worker ${String(i)}`, ['work', `--server=${address}`, `--threads=${String(threads)}`, '--backend=auto']);
      this.#workers.push(role);
      void role.ended.then((end) => { this.#afterWorker(end); });
    }
  }

  /** A worker has ended: the run goes on as long as another lives. */
  #afterWorker(end: RoleEnd): void {
    const server = this.#server;
    if (server === undefined || !this.#running.has(server)) return;
    if (end.code === EXIT.done || end.drained || this.#signal.aborted) return;
    this.#rootCause ??= end;
    const left = this.#workers.filter((role) => this.#running.has(role)).length;
    const outlook = left > 0 ? `the run goes on with ${String(left)}` : 'no worker is left';
    process.stderr.write(`bptt: warning: ${describeEnd(end)}; ${outlook}\n`);
    if (left === 0) server.stop();
  }

  /** The server has sent the workers away that it knew. One that it did not know, as it was still starting, would wait for a server: it is told. */
  async #endWorkers(): Promise<void> {
    for (const role of this.#workers) role.stop();
    const timer = setTimeout(() => {
      for (const role of this.#running) process.stderr.write(`bptt: warning: ${role.name} did not end within ${String(WORKER_GRACE_MS)} ms and is killed\n`);
      this.#killAll();
    }, WORKER_GRACE_MS);
    await Promise.all(this.#workers.map(({ ended }) => ended));
    clearTimeout(timer);
  }

  #conclude(server: RoleEnd): ExitCode {
    if (this.#summary.length > 0) process.stdout.write(`${this.#summary.join('\n')}\n`);
    if (server.code === EXIT.done) return EXIT.done;
    if (this.#signal.aborted && server.code === EXIT.interrupted) return EXIT.interrupted;
    const ownFailure = server.failure ?? (server.code === EXIT.interrupted ? undefined : server);
    if (server.code === EXIT.usage && server.failure !== undefined) {
      process.stderr.write(`bptt: ${server.failure.message}\n`);
      return EXIT.usage;
    }
    const cause = ownFailure === undefined ? (this.#rootCause ?? server) : server;
    process.stderr.write(`bptt: the run failed, first cause: ${describeEnd(cause)}\n`);
    return EXIT.failed;
  }

  #killAll(): void {
    for (const role of this.#running) role.kill();
  }
}
