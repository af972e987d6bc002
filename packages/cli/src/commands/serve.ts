import { formatAddress, parseAddress } from '@bptt/rpc';
import type { RunEvent } from '@bptt/server';
import type { TrainingRequest } from '../command-settings.js';
import type { ExitCode } from '../exit-codes.js';
import { tellParent, watchInterrupts } from '../parent.js';
import { assertPortFree } from '../free-port.js';
import { runTraining } from './training.js';

/** How long workers may take to leave a run that is over, before the server closes. */
const LEAVE_GRACE_MS = 3000;

/** `bptt serve <corpus>`: the parameter server of a run, which waits for workers. */
export function serve(corpus: string, { listen, ...request }: TrainingRequest & { readonly listen: string }): Promise<ExitCode> {
  return runTraining({
    corpus,
    request,
    signal: watchInterrupts(),
    check: () => assertPortFree(listen),
    serve: async ({ server, reporter, watch }) => {
      const guests = new Guests();
      watch((event) => { guests.see(event); });
      const { port } = await server.listen(listen);
      const address = formatAddress({ host: parseAddress(listen).host, port });
      if (request.json) process.stdout.write(`${JSON.stringify({ event: 'listening', address })}\n`);
      reporter.note(`listening on ${address}`);
      await tellParent({ type: 'listening', address });
      return () => guests.gone(LEAVE_GRACE_MS);
    },
  });
}

/** The workers of a run. */
class Guests {
  readonly #present = new Set<string>();
  #onEmpty: () => void = () => undefined;

  see(event: RunEvent): void {
    if (event.event === 'worker-joined') this.#present.add(event.workerId);
    if (event.event === 'worker-left') this.#present.delete(event.workerId);
    if (this.#present.size === 0) this.#onEmpty();
  }

  /** Resolves when all have left, or after `graceMs`. */
  async gone(graceMs: number): Promise<void> {
    if (this.#present.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
