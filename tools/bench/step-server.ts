import { createInterface } from 'node:readline';
import { asUnavailable } from './contender.js';
import { UNAVAILABLE_PREFIX } from './line-process.js';

/** What a process of the benchmark does for each line that it is sent. */
export interface StepWork {
  /** What really executes. */
  readonly executes: string;
  /** Does the work once; the milliseconds that it took, preparations left out. */
  step(): Promise<number>;
  close(): void | Promise<void>;
}

export interface StepStreams {
  readonly input: NodeJS.ReadableStream;
  readonly output: Pick<NodeJS.WritableStream, 'write'>;
  readonly error: Pick<NodeJS.WritableStream, 'write'>;
}

/** Serves steps as `LineProcess` asks for them, until the input ends. Returns the exit code: 1 where the work is not available here. */
export async function serveSteps(open: () => Promise<StepWork>, { input, output, error }: StepStreams): Promise<number> {
  const line = (object: unknown): void => {
    output.write(`${JSON.stringify(object)}\n`);
  };
  try {
    const work = await open();
    line({ peer: work.executes, pids: [process.pid] });
    const lines = createInterface({ input })[Symbol.asyncIterator]();
    while ((await lines.next()).done !== true) line({ seconds: (await work.step()) / 1e3 });
    await work.close();
    return 0;
  } catch (cause) {
    const unavailable = asUnavailable(cause);
    if (unavailable === undefined) throw cause;
    error.write(`${UNAVAILABLE_PREFIX}${unavailable.message}\n`);
    return 1;
  }
}
