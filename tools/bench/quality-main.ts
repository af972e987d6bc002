import { parseArgs } from 'node:util';
import { print, runCommand } from './benchmark-command.js';
import type { QualityRow } from './quality-clock.js';
import { qualityText } from './quality-report.js';
import { QUALITY_CORPUS, QUALITY_RECIPES, QUALITY_TARGETS, QUICK_TARGETS } from './quality-recipes.js';
import { trainBptt, trainTorch, type BpttQuality, type QualityOptions } from './quality-runs.js';
import { headText, thisMachine, type Machine } from './report.js';
import { withTemporaryFolder } from './temporary-folder.js';

const SECONDS_MAX = 600;
const VALID_EVERY = 50;
const VALID_EVERY_QUICK = 15;
const HELP = `Usage: npm run bench:quality -- [options]

Seconds of training to a validation perplexity on ${QUALITY_CORPUS}: the best recipe of each head, one thread and two, beside PyTorch.

  --quick          perplexities that are reached within a minute: a trial
  --only <head>    one of ${QUALITY_RECIPES.map(({ name }) => name).join(', ')}
  --backend <name> what computes (default auto, the fastest here)
  --out <file>     where the JSON goes (default bench-quality.json)
  --help           this text
`;

interface Arguments {
  readonly quick: boolean;
  readonly only: string | undefined;
  readonly backend: string;
  readonly out: string;
}

/** @throws Error with one line for people, where the options are wrong */
function parseArguments(words: readonly string[]): Arguments | undefined {
  const { values: { quick, only, backend, out, help } } = parseArgs({
    args: [...words],
    options: {
      quick: { type: 'boolean', default: false }, only: { type: 'string' }, backend: { type: 'string', default: 'auto' }, out: { type: 'string', default: 'bench-quality.json' }, help: { type: 'boolean', default: false },
    },
  });
  if (help) return undefined;
  const names = QUALITY_RECIPES.map(({ name }) => name);
  if (only !== undefined && !names.includes(only)) throw new Error(`--only: expected one of ${names.join(', ')}, got ${JSON.stringify(only)}`);
  return { quick, only, backend, out };
}

/** What one run found; written as JSON. */
interface QualityReport {
  readonly format: 'bptt-bench-quality';
  readonly version: 1;
  readonly machine: Machine;
  readonly corpus: string;
  readonly recipes: typeof QUALITY_RECIPES;
  readonly rows: QualityRow[];
}

async function measure({ quick, only, backend }: Arguments, { machine, rows }: QualityReport): Promise<void> {
  const targets = quick ? QUICK_TARGETS : QUALITY_TARGETS;
  print(headText(machine));
  await withTemporaryFolder('bptt-quality-', async (folder) => {
    for (const recipe of QUALITY_RECIPES.filter(({ name }) => only === undefined || name === only)) {
      const options = (threads: number): QualityOptions =>
        ({ recipe, targets, secondsMax: SECONDS_MAX, validEvery: quick ? VALID_EVERY_QUICK : VALID_EVERY, threads, folder, cache: '.bptt-cache' });
      const runs: BpttQuality[] = [];
      for (const threads of [1, 2]) {
        const run = await trainBptt(options(threads), backend);
        runs.push(run);
        rows.push(run.result);
      }
      for (const threads of [1, 2]) rows.push(await trainTorch(options(threads), runs[0]));
    }
  });
  print(`Seconds of training to a validation perplexity, ${QUALITY_CORPUS}\n${qualityText(rows, targets)}`);
}

await runCommand({
  name: 'bench:quality', help: HELP, parse: parseArguments, measure,
  begin: (): QualityReport => ({ format: 'bptt-bench-quality', version: 1, machine: thisMachine(), corpus: QUALITY_CORPUS, recipes: QUALITY_RECIPES, rows: [] }),
});
