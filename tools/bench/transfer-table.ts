import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { killAfter } from './child-processes.js';
import type { Contender } from './contender.js';
import { rawContenders } from './raw-stream.js';
import { runRounds, type Rounds } from './rounds.js';
import { TRANSFER_WAYS, type TransferAddresses, type TransferWay } from './transfer-setting.js';
import { bpttContenders } from './transfer-worker.js';

const PROCESS = fileURLToPath(new URL('./transfer-process.js', import.meta.url));
/** Longest wait for the servers to listen, and for their process to end by itself. */
const START_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 10_000;
const MEBIBYTE = 1024 * 1024;

/** One direction of transfer one way, bptt's protocol beside the raw stream of as many bytes. */
export interface TransferRow {
  readonly transfer: 'push' | 'pull';
  readonly way: TransferWay;
  readonly bytes: number;
  readonly mebibytesPerSecond: number;
  readonly rawMebibytesPerSecond: number;
  /** The first by the second. */
  readonly ratio: number;
  readonly samplesMs: readonly number[];
  readonly rawSamplesMs: readonly number[];
}

/** Measures push and pull over the loopback, against servers in another process, in turn with raw streams. */
export async function measureTransfers(rounds: Rounds): Promise<TransferRow[]> {
  const child = fork(PROCESS, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const open: Contender[] = [];
  try {
    const addresses = await addressesOf(child);
    const entries: { readonly transfer: TransferRow['transfer']; readonly way: TransferWay; readonly bytes: number }[] = [];
    for (const way of TRANSFER_WAYS) {
      const { bytes, ...own } = await bpttContenders(way, addresses.bptt[way]);
      for (const transfer of ['push', 'pull'] as const) {
        open.push(own[transfer]);
        entries.push({ transfer, way, bytes: bytes[transfer] });
      }
    }
    for (const { transfer, bytes } of entries) open.push(rawContenders(addresses.raw, bytes)[transfer]);
    const timings = (await runRounds(open, rounds, Infinity)).filter((timing) => 'medianMs' in timing);
    return entries.map(({ bytes, ...entry }, i) => {
      const [own, floor] = [timings[i], timings[entries.length + i]];
      const rate = (ms: number): number => (bytes / MEBIBYTE / ms) * 1e3;
      return { ...entry, bytes, mebibytesPerSecond: rate(own.medianMs), rawMebibytesPerSecond: rate(floor.medianMs), ratio: floor.medianMs / own.medianMs, samplesMs: own.samplesMs, rawSamplesMs: floor.samplesMs };
    });
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
