import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { killAfter } from './child-processes.js';
import type { Contender } from './contender.js';
import { rawContenders } from './raw-stream.js';
import { runRounds } from './rounds.js';
import type { TransferAddresses } from './transfer-setting.js';
import { bpttContenders } from './transfer-worker.js';

const PROCESS = fileURLToPath(new URL('./transfer-process.js', import.meta.url));
/** Longest wait for the servers to listen, and for their process to end by itself. */
const START_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 10_000;
const MEBIBYTE = 1024 * 1024;

/** One direction of transfer, bptt's protocol beside the raw stream of as many bytes. */
export interface TransferRow {
  readonly transfer: 'push' | 'pull';
  readonly bytes: number;
  readonly mebibytesPerSecond: number;
  readonly rawMebibytesPerSecond: number;
  /** The first by the second. */
  readonly ratio: number;
  readonly samplesMs: readonly number[];
  readonly rawSamplesMs: readonly number[];
}

/** Measures push and pull over the loopback, against servers in another process, in turn with raw streams. */
export async function measureTransfers(rounds: number): Promise<TransferRow[]> {
  const child = fork(PROCESS, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const open: Contender[] = [];
  try {
    const addresses = await addressesOf(child);
    const { push, pull, bytes } = await bpttContenders(addresses.bptt);
    open.push(push, pull);
    const raw = { push: rawContenders(addresses.raw, bytes.push).push, pull: rawContenders(addresses.raw, bytes.pull).pull };
    open.push(raw.push, raw.pull);
    const [pushMs, pullMs, rawPushMs, rawPullMs] = (await runRounds(open, rounds, Infinity)).filter((timing) => 'medianMs' in timing);
    const row = (transfer: TransferRow['transfer'], own: typeof pushMs, floor: typeof pushMs): TransferRow => {
      const rate = (ms: number): number => (bytes[transfer] / MEBIBYTE / ms) * 1e3;
      return { transfer, bytes: bytes[transfer], mebibytesPerSecond: rate(own.medianMs), rawMebibytesPerSecond: rate(floor.medianMs), ratio: floor.medianMs / own.medianMs, samplesMs: own.samplesMs, rawSamplesMs: floor.samplesMs };
    };
    return [row('push', pushMs, rawPushMs), row('pull', pullMs, rawPullMs)];
  } finally {
    for (const contender of open) await contender.close();
    await end(child);
  }
}

async function addressesOf(child: ChildProcess): Promise<TransferAddresses> {
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`transfer server: ended with ${String(code)} before it listened`);
  });
  const [addresses] = (await Promise.race([once(child, 'message', { signal: AbortSignal.timeout(START_TIMEOUT_MS) }), exited])) as [TransferAddresses];
  exited.catch(() => undefined);
  return addresses;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  if (child.connected) child.disconnect();
  await killAfter(END_TIMEOUT_MS, child, exited);
}
