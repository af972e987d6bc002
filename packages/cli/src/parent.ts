import { EXIT, InterruptedError, type ExitCode } from './exit-codes.js';

/** What a process that `launch` started tells it. */
export type ChildMessage =
  | { readonly type: 'listening'; readonly address: string }
  /** The run is over as it should be: what the user reads at the end. */
  | { readonly type: 'summary'; readonly lines: readonly string[] }
  /** The worker was sent away by the server. */
  | { readonly type: 'drained'; readonly reason: string }
  | { readonly type: 'failed'; readonly message: string; readonly exitCode: ExitCode };

/** What `launch` tells a process that it started. */
export interface ParentMessage {
  readonly type: 'stop';
}

/** Environment variable by which `launch` marks the processes that it starts. */
export const LAUNCHED_VARIABLE = 'BPTT_LAUNCHED';
/** How long a process whose `launch` is gone may take to end cleanly. */
const ORPHAN_GRACE_MS = 5000;

/** Whether `launch` started this process. */
export function isLaunched(): boolean {
  return process.env[LAUNCHED_VARIABLE] === '1' && process.send !== undefined;
}

/** Tells `launch`. Resolves when it was sent, or cannot be: nobody is there any more. */
export function tellParent(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, () => { resolve(); });
  });
}

/**
 * Watches for the wish to stop: Ctrl-C, SIGTERM, a closed terminal; in a process that `launch` started its word instead, or its death.
 * The second signal ends the process at once.
 * @param beforeExit called before that end
 */
export function watchInterrupts(beforeExit: () => void = () => undefined): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => { controller.abort(new InterruptedError('working')); };
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      beforeExit();
      process.exit(EXIT.interrupted);
    }
    stop();
  };
  process.on('SIGTERM', onSignal);
  // A terminal sends these to every process of the group: those that `launch` started leave the decision to it.
  for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, isLaunched() ? () => undefined : onSignal);
  if (isLaunched()) {
    process.on('message', stop);
    process.on('disconnect', () => {
      stop();
      setTimeout(() => process.exit(EXIT.interrupted), ORPHAN_GRACE_MS).unref();
    });
    if (!process.connected) stop();
  }
  return controller.signal;
}
