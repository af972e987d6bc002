import { JsonProcess } from './json-process.js';
import { WindowWatch, type StepWindow, type WindowOptions } from './step-window.js';

/** A process of `bptt train` that works in windows and rests between them. */
export class TrainRun {
  readonly #process: JsonProcess;
  readonly #role: string;
  #watch: WindowWatch | undefined;

  /**
   * @param given the arguments of Node for a process that prints its events, as `bptt train --json` does
   * @param role by which its use of the machine is shown
   */
  constructor(given: readonly string[], role: string) {
    this.#role = role;
    this.#process = new JsonProcess({ arguments: given, onEvent: (event, atMs) => this.#watch?.see(event, atMs) });
  }

  /** Sees the next steps while the process works. */
  window(options: WindowSteps): Promise<StepWindow> {
    // The worker is the run itself.
    this.#watch = new WindowWatch({ ...options, workers: 0, roles: () => new Map([[this.#role, this.#process.pid]]) });
    return this.#watch.whileRunning([this.#process]);
  }

  rest(): void {
    this.#process.rest();
  }

  goOn(): void {
    this.#process.goOn();
  }

  close(): Promise<void> {
    return this.#process.stop();
  }
}

export type WindowSteps = Pick<WindowOptions, 'warmUpSteps' | 'steps'>;

/** A window of each run while all of them work: none rests before the others have seen enough. */
export async function windowsAtOnce(runs: readonly TrainRun[], options: WindowSteps): Promise<StepWindow[]> {
  for (const run of runs) run.goOn();
  const windows = await Promise.all(runs.map((run) => run.window(options)));
  for (const run of runs) run.rest();
  return windows;
}
