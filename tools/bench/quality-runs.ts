import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { backendIdOf } from './backends.js';
import { endWithUs } from './child-processes.js';
import { BPTT, runWords } from './command.js';
import { JsonProcess, type JsonEvent } from './json-process.js';
import { PYTHON, threadsEnvironment, TORCH_INSTALL } from './python-contender.js';
import { QualityClock, TrainingClock, type QualityResult, type QualityRow } from './quality-clock.js';
import { QUALITY_CORPUS, type QualityRecipe } from './quality-recipes.js';
import { counted } from './text-table.js';

const TORCH = join(import.meta.dirname, '..', 'torch');
/** More than ten minutes of training need. */
const STEPS = 100_000;
/** Batches for PyTorch beyond those that bptt needed, since rounding leads another way. */
const MORE_STEPS = 200;

export interface QualityOptions {
  readonly recipe: QualityRecipe;
  readonly targets: readonly number[];
  /** Longest training. */
  readonly secondsMax: number;
  /** Steps between validations. */
  readonly validEvery: number;
  readonly threads: number;
  /** Run folders and dumps. */
  readonly folder: string;
  readonly cache: string;
}

/** A training of bptt and what PyTorch needs to do the same. */
export interface BpttQuality {
  readonly result: QualityResult;
  readonly run: string;
  readonly steps: number;
}

/** `bptt train` until the last target is reached or the time is over. @throws Unavailable where the backend is not here */
export async function trainBptt({ recipe, targets, secondsMax, validEvery, threads, folder, cache }: QualityOptions, backend: string): Promise<BpttQuality> {
  const executes = `bptt train, ${await backendIdOf(backend)}, ${counted(threads, 'thread')}, K = ${String(recipe.options['microshards'])}`;
  const name = `${recipe.name}, bptt, ${counted(threads, 'thread')}`;
  const run = join(folder, `${recipe.name}-${String(threads)}`);
  const [quality, clock] = [new QualityClock(targets), new TrainingClock()];
  const options = { ...recipe.options, threads, backend, steps: STEPS, 'valid-every': validEvery, 'checkpoint-every': 0, run, cache };
  let steps = 0;
  let finish: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const onEvent = (event: JsonEvent, atMs: number): void => {
    clock.see(event, atMs);
    if (event['event'] !== 'validation' || quality.isDone()) return;
    steps = Number(event['step']);
    quality.validated({ step: steps, trainSeconds: clock.seconds, tokens: clock.tokens, validLoss: Number(event['validLoss'] ?? NaN) });
    if (quality.isDone() || clock.seconds > secondsMax) finish();
  };
  const train = new JsonProcess({ arguments: [BPTT, 'train', QUALITY_CORPUS, ...runWords(options)], onEvent });
  try {
    await Promise.race([done, train.failed]);
  } finally {
    await train.stop();
  }
  return { result: quality.result(name, executes), run, steps };
}

/** The same training in PyTorch, on the same batches from the same parameters; skipped where there is no PyTorch. */
export async function trainTorch({ recipe, targets, secondsMax, validEvery, threads, folder, cache }: QualityOptions, { run, steps }: BpttQuality): Promise<QualityRow> {
  const name = `${recipe.name}, PyTorch, ${counted(threads, 'thread')}`;
  if (spawnSync(PYTHON, ['-c', 'import torch']).status !== 0) return { name, skipped: `not installed: ${TORCH_INSTALL}` };
  const dump = join(folder, `${recipe.name}-dump`);
  if (!existsSync(join(dump, 'validation.jsonl'))) {
    const dumped = spawnSync(process.execPath, [join(TORCH, 'dump-run.mjs'), run, '--steps', String(steps + MORE_STEPS), '--validation', '--out', dump, '--cache', cache], { encoding: 'utf8' });
    if (dumped.status !== 0) throw new Error(`dump-run.mjs: ${dumped.stderr.trim()}`);
  }
  const words = [join(TORCH, 'train_to_perplexity.py'), dump, '--until', String(targets.at(-1)), '--valid-every', String(validEvery), '--seconds', String(secondsMax), '--threads', String(threads)];
  const child = spawn(PYTHON, words, { env: { ...process.env, ...threadsEnvironment(threads) }, stdio: ['ignore', 'pipe', 'inherit'] });
  endWithUs(child);
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  const quality = new QualityClock(targets);
  let peer = 'PyTorch';
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as JsonEvent;
    if (event['event'] === 'started') peer = String(event['peer']);
    if (event['event'] === 'validation') quality.validated({ step: Number(event['step']), trainSeconds: Number(event['trainSeconds']), tokens: Number(event['tokens']), validLoss: Number(event['validLoss']) });
  }
  const code = await ended;
  if (code !== 0) throw new Error(`train_to_perplexity.py ended with ${String(code)}`);
  return quality.result(name, `${peer}, ${counted(threads, 'thread')}`);
}
