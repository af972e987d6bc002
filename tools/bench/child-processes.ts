import type { ChildProcess } from 'node:child_process';

/** Exit code of a benchmark that is interrupted. */
const INTERRUPTED = 130;
const running = new Set<ChildProcess>();

/** Ends `child` with this process, however that ends but by SIGKILL. */
export function endWithUs(child: ChildProcess): void {
  running.add(child);
  child.once('close', () => running.delete(child));
}

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Lets an interrupt end this process in order, and so its children. */
export function endOnInterrupt(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(INTERRUPTED));
}
