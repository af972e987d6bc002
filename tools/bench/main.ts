import { open, type FileHandle } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { headText, thisMachine, trainingText, transferText, type BenchmarkReport } from './report.js';
import { measureTraining, type TrainingTable } from './training-table.js';
import { measureTransfers } from './transfer-table.js';
import { workloads } from './workload.js';

const ROUNDS_MIN = 5;
const ROUNDS_MAX = 1_000;
const HELP = `Usage: npm run bench -- [options]

Training tokens/s of every backend beside PyTorch and the NumPy tutorial, and gRPC MiB/s beside the raw stream, measured in turn.

  --quick         the small model alone
  --rounds <n>    samples of every figure, ${String(ROUNDS_MIN)} to ${String(ROUNDS_MAX)} (default ${String(ROUNDS_MIN)})
  --out <file>    where the JSON goes (default bench-results.json)
  --help          this text
`;

interface Arguments {
  readonly quick: boolean;
  readonly rounds: number;
  readonly out: string;
}

/** @throws Error with one line for people, where the options are wrong */
function parseArguments(): Arguments | undefined {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string', default: String(ROUNDS_MIN) },
      out: { type: 'string', default: 'bench-results.json' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < ROUNDS_MIN || rounds > ROUNDS_MAX) {
    throw new Error(`--rounds: expected a whole number from ${String(ROUNDS_MIN)} to ${String(ROUNDS_MAX)}, got ${values.rounds}`);
  }
  return { quick: values.quick, rounds, out: values.out };
}

async function measure({ quick, rounds, out }: Arguments, file: FileHandle): Promise<void> {
  const machine = thisMachine();
  process.stdout.write(`${headText({ machine, rounds })}\n`);
  const training: TrainingTable[] = [];
  for (const workload of workloads(quick)) {
    const table = await measureTraining(workload, rounds);
    training.push(table);
    process.stdout.write(`\n${trainingText(table)}\n`);
  }
  const transfers = await measureTransfers(rounds);
  const report: BenchmarkReport = { format: 'bptt-bench', version: 1, machine, rounds, training, transfers };
  await file.writeFile(`${JSON.stringify(report, undefined, 2)}\n`);
  process.stdout.write(`\n${transferText(transfers)}\n\nwritten to ${out}\n`);
}

async function main(): Promise<number> {
  let given: Arguments | undefined;
  let file: FileHandle | undefined;
  try {
    given = parseArguments();
    // Opened before anything is measured: a name that cannot be written shall not be known after minutes only.
    file = given && (await open(given.out, 'w'));
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  if (given === undefined || file === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    await measure(given, file);
  } finally {
    await file.close();
  }
  return 0;
}

process.exitCode = await main();
