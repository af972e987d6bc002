import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { BPTT, trainingWords } from './command.js';
import { writeCorpus } from './generated-corpus.js';
import { JsonProcess } from './json-process.js';
import { median } from './rounds.js';
import { withTemporaryFolder } from './temporary-folder.js';
import { lstm200 } from './workload.js';

/** How long something takes from the start of its process. */
export interface StartUp {
  readonly what: string;
  readonly medianMs: number;
  readonly samplesMs: readonly number[];
}

const MODEL = lstm200('lstm-200', 4);
const CORPUS_WORDS = 20_000;
const JOIN_TIMEOUT_MS = 60_000;

/** `bptt --help` from start to end; `bptt work` from its start until it has joined a server that waits for it. */
export function measureStartUp(rounds: number): Promise<StartUp[]> {
  return withTemporaryFolder('bptt-bench-', async (folder) => {
    await writeCorpus(join(folder, 'corpus'), MODEL.model.vocabulary, CORPUS_WORDS);
    const help: number[] = [];
    const joining: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      help.push(await helpMs());
      joining.push(await joinMs(folder, round));
    }
    return [{ what: 'bptt --help', samplesMs: help, medianMs: median(help) }, { what: 'bptt work, until it has joined', samplesMs: joining, medianMs: median(joining) }];
  });
}

async function helpMs(): Promise<number> {
  const begin = performance.now();
  const [code] = (await once(spawn(process.execPath, [BPTT, '--help'], { stdio: 'ignore' }), 'close')) as [number | null];
  if (code !== 0) throw new Error(`bptt --help ended with ${String(code)}`);
  return performance.now() - begin;
}

async function joinMs(folder: string, round: number): Promise<number> {
  const place = { corpus: join(folder, 'corpus'), cache: join(folder, 'cache'), run: join(folder, `run-${String(round)}`) };
  const server = firstEvent([BPTT, 'serve', ...trainingWords(MODEL, 1, place), '--backend=simd', '--listen=127.0.0.1:0'], 'listening');
  try {
    const { address } = await server.seen;
    const begin = performance.now();
    const worker = firstEvent([BPTT, 'work', `--server=${String(address)}`, '--threads=1', '--json'], 'joined');
    try {
      await worker.seen;
      return performance.now() - begin;
    } finally {
      await worker.process.stop();
    }
  } finally {
    await server.process.stop();
  }
}

/** Starts a process and waits for an event of that name. */
function firstEvent(given: readonly string[], name: string): { readonly process: JsonProcess; readonly seen: Promise<Readonly<Record<string, unknown>>> } {
  let onSeen: (event: Readonly<Record<string, unknown>>) => void = () => undefined;
  const wanted = new Promise<Readonly<Record<string, unknown>>>((resolve) => {
    onSeen = resolve;
  });
  const child = new JsonProcess({
    arguments: given,
    onEvent: (event) => {
      if (event['event'] === name) onSeen(event);
    },
  });
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => {
      reject(new Error(`${given.slice(0, 2).join(' ')}: no event ${name} within ${String(JOIN_TIMEOUT_MS)} ms`));
    }, JOIN_TIMEOUT_MS).unref();
  });
  late.catch(() => undefined);
  return { process: child, seen: Promise.race([wanted, late, child.failed]) };
}
