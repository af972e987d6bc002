import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { BPTT, trainingWords } from './command.js';
import { withCorpus, type RunPlace } from './generated-corpus.js';
import { inTime } from './in-time.js';
import { JsonProcess } from './json-process.js';
import { median, takeTurns, type Rounds } from './rounds.js';
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
export function measureStartUp(rounds: Rounds): Promise<StartUp[]> {
  return withCorpus(MODEL, CORPUS_WORDS, async (newPlace) => {
    const [help, joining] = await takeTurns([helpMs, () => joinMs(newPlace())], rounds, (start) => start());
    return [{ what: 'bptt --help', samplesMs: help, medianMs: median(help) }, { what: 'bptt work, until it has joined', samplesMs: joining, medianMs: median(joining) }];
  });
}

async function helpMs(): Promise<number> {
  const begin = performance.now();
  const [code] = (await once(spawn(process.execPath, [BPTT, '--help'], { stdio: 'ignore' }), 'close')) as [number | null];
  if (code !== 0) throw new Error(`bptt --help ended with ${String(code)}`);
  return performance.now() - begin;
}

async function joinMs(place: RunPlace): Promise<number> {
  const server = new JsonProcess({ arguments: [BPTT, 'serve', ...trainingWords(MODEL, 1, place), '--backend=simd', '--listen=127.0.0.1:0'] });
  try {
    const { address } = await inTime(server.next('listening'), 'server', JOIN_TIMEOUT_MS);
    const begin = performance.now();
    const worker = new JsonProcess({ arguments: [BPTT, 'work', `--server=${String(address)}`, '--threads=1', '--json'] });
    try {
      await inTime(worker.next('joined'), 'worker', JOIN_TIMEOUT_MS);
      return performance.now() - begin;
    } finally {
      await worker.stop();
    }
  } finally {
    await server.stop();
  }
}
