import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { endOnInterrupt } from './child-processes.js';
import { Unavailable } from './contender.js';
import { qualityText, type QualityRow } from './quality-report.js';
import { QUALITY_CORPUS, QUALITY_RECIPES, QUALITY_TARGETS, QUICK_TARGETS } from './quality-recipes.js';
import { trainBptt, trainTorch, type BpttQuality, type QualityOptions } from './quality-runs.js';
import { headText, thisMachine } from './report.js';
import { withTemporaryFolder } from './temporary-folder.js';
import { counted } from './text-table.js';
import { fastestBackend } from './ways-table.js';

const SECONDS_MAX = 600;
const VALID_EVERY = 25;
const VALID_EVERY_QUICK = 15;
const HELP = `Usage: npm run bench:quality -- [options]

Seconds of training to a validation perplexity on ${QUALITY_CORPUS}: the best recipe of each head, one thread and two, beside PyTorch.

  --quick          perplexities that are reached within a minute: a trial
  --only <head>    one of ${QUALITY_RECIPES.map(({ name }) => name).join(', ')}
  --backend <name> what computes (default: the fastest here)
  --out <file>     where the JSON goes (default bench-quality.json)
  --help           this text
`;

interface Arguments {
  readonly quick: boolean;
  readonly only: string | undefined;
  readonly backend: string | undefined;
  readonly out: string;
}

/** @throws Error with one line for people, where the options are wrong */
function parseArguments(): Arguments | undefined {
  const { values: { quick, only, backend, out, help } } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false }, only: { type: 'string' }, backend: { type: 'string' }, out: { type: 'string', default: 'bench-quality.json' }, help: { type: 'boolean', default: false },
    },
  });
  if (help) return undefined;
  const names = QUALITY_RECIPES.map(({ name }) => name);
  if (only !== undefined && !names.includes(only)) throw new Error(`--only: expected one of ${names.join(', ')}, got ${JSON.stringify(only)}`);
  return { quick, only, backend, out };
}

async function measure({ quick, only, backend: asked, out }: Arguments): Promise<void> {
  const [machine, backend] = [thisMachine(), asked ?? (await fastestBackend())];
  const targets = quick ? QUICK_TARGETS : QUALITY_TARGETS;
  process.stdout.write(`${headText(machine)}\n\nSeconds of training to a validation perplexity, ${QUALITY_CORPUS}\n`);
  const rows: QualityRow[] = [];
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
      for (const threads of [1, 2]) rows.push(await torchRow(options(threads), runs[0]));
    }
  });
  await writeFile(out, `${JSON.stringify({ format: 'bptt-bench-quality', version: 1, machine, corpus: QUALITY_CORPUS, recipes: QUALITY_RECIPES, rows }, undefined, 2)}\n`);
  process.stdout.write(`${qualityText(rows, targets)}\n\nwritten to ${out}\n`);
}

async function torchRow(options: QualityOptions, run: BpttQuality): Promise<QualityRow> {
  try {
    return await trainTorch(options, run);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return { name: `${options.recipe.name}, PyTorch, ${counted(options.threads, 'thread')}`, skipped: error.message };
  }
}

async function main(): Promise<number> {
  let given: Arguments | undefined;
  try {
    given = parseArguments();
  } catch (error) {
    process.stderr.write(`bench:quality: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  if (given === undefined) process.stdout.write(HELP);
  else await measure(given);
  return 0;
}

endOnInterrupt();
process.exitCode = await main();
