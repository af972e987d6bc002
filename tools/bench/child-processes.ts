import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';

/** Exit code of a benchmark that is interrupted. */
const INTERRUPTED = 130;
/** What is kept of standard error for a message. */
const TAIL_CHARACTERS_MAX = 4_000;
const running = new Set<ChildProcess>();

/** Ends `child` with this process, however that ends but by SIGKILL, after which one that rests is left as it is. */
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

/** Waits for the end of `child`, and kills it where that takes longer than `timeoutMs`. @param ended resolves when it has ended */
export async function killAfter(timeoutMs: number, child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
  }, timeoutMs);
  await ended;
  clearTimeout(timer);
}

/** Reads `stream`; what is returned gives its last characters until then. */
export function tailOf(stream: Readable): () => string {
  let tail = '';
  stream.on('data', (data: Buffer) => {
    tail = (tail + data.toString('utf8')).slice(-TAIL_CHARACTERS_MAX);
  });
  return () => tail;
}
