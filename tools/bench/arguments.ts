import { parseArgs } from 'node:util';
import { ROUNDS_MIN } from './report.js';
import { WORKLOAD_NAMES } from './workload.js';

const ROUNDS_MAX = 1_000;
const WAIT_S = 300;
const WAIT_MAX_S = 86_400;
/** What is measured, in this order. */
export const PARTS: readonly string[] = ['limits', ...WORKLOAD_NAMES, 'gpu', 'transfers', 'threads', 'cluster', 'start-up'];
/** What is measured where a quick look is enough: the smallest model, on every backend and beside every peer. */
const QUICK_PARTS: readonly string[] = ['limits', 'tutorial', 'transfers'];

export const HELP = `Usage: npm run bench -- [options]

Training tokens/s of every backend beside PyTorch, the NumPy tutorial and TensorFlow.js, on the GPU beside PyTorch there, the machine's own limits, gRPC beside a raw stream, threads
and clusters beside PyTorch, start-up times: measured in turn.

  --quick          ${QUICK_PARTS.join(', ')} alone
  --only <parts>   some of ${PARTS.join(', ')}; by commas
  --rounds <n>     samples of every figure, 1 to ${String(ROUNDS_MAX)} (default ${String(ROUNDS_MIN)}; with fewer a run is a trial)
  --wait <s>       seconds to wait for other programs to leave the machine alone, and for turns that they disturbed: as many for turns on one core, and for those on two
                   (default ${String(WAIT_S)}; 0: take it as it is)
  --out <file>     where the JSON goes (default bench-results.json)
  --help           this text
`;

/** What the benchmark is asked for. */
export interface Arguments {
  /** Of `PARTS`. */
  readonly parts: ReadonlySet<string>;
  readonly rounds: number;
  readonly waitMs: number;
  readonly out: string;
}

/** Undefined where help is asked for. @throws Error with one line for people, where the options are wrong */
export function parseArguments(words: readonly string[]): Arguments | undefined {
  const { values } = parseArgs({
    args: [...words],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      rounds: { type: 'string', default: String(ROUNDS_MIN) },
      wait: { type: 'string', default: String(WAIT_S) },
      out: { type: 'string', default: 'bench-results.json' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  if (values.quick && values.only !== undefined) throw new Error('expected either --quick or --only, got both');
  const parts = values.quick ? QUICK_PARTS : (values.only?.split(',') ?? PARTS);
  const odd = parts.find((part) => !PARTS.includes(part));
  if (odd !== undefined) throw new Error(`--only: expected some of ${PARTS.join(', ')}, got ${JSON.stringify(odd)}`);
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX) {
    throw new Error(`--rounds: expected a whole number from 1 to ${String(ROUNDS_MAX)}, got ${values.rounds}`);
  }
  const waitS = Number(values.wait);
  if (!(waitS >= 0 && waitS <= WAIT_MAX_S)) throw new Error(`--wait: expected seconds from 0 to ${String(WAIT_MAX_S)}, got ${values.wait}`);
  return { parts: new Set(parts), rounds, waitMs: 1e3 * waitS, out: values.out };
}
