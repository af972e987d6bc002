// Makes the first steps of a run again and writes the parameters for another program:
//
//     node tools/torch/replay-run.mjs runs/moby-dick [--cache .bptt-cache]
//
// Every line of stdin is the name of a safetensors file to write: the first gets the parameters before the first step, each later one those after
// one more step, as checkpoints name and orient the tensors. A line of stdout answers once the file is there. The sum of the losses
// of every step, and the parameters where the run's journal has their hash, must be those of the run, bit for bit: else it stops.
// For plain SGD without regularisers. Needs the built packages (npm run build).
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { addGradients, clipGradient, createMicroshardComputer, initializeParameters, reduceTree, reductionDivisor, sgdStep } from '@bptt/core';
import { encodeSafetensors, toStateDict } from '@bptt/interop';
import { floatsSha256 } from '@bptt/server';
import { backendForId } from '@bptt/worker';
import { openStoredRun } from './stored-run.mjs';

const { positionals: [folder], values: { cache } } = parseArgs({ allowPositionals: true, options: { cache: { type: 'string', default: '.bptt-cache' } } });
if (folder === undefined) throw new Error('usage: replay-run.mjs <run folder> [--cache <folder>]');

const run = await openStoredRun(folder, cache);
const { model, objective, seed, initialization, clip } = run.config;
const journal = readFileSync(join(folder, 'journal.jsonl'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
const computer = createMicroshardComputer({ backend: (await backendForId(run.backendId)).create(), model, objective, seed });
const { layout } = computer;

/** States that are carried into each microshard; undefined where they are zero. */
let carried = [];
let parameters;
for await (const path of createInterface({ input: process.stdin })) {
  parameters = parameters === undefined ? initializeParameters(model, seed, initialization) : await step(journal.shift());
  writeFileSync(path, encodeSafetensors(toStateDict(layout, parameters), {}));
  console.log(path);
}
run.close();

/** The parameters after the step that the journal has this line of. */
async function step({ step, learningRate, lossSum, parametersSha256 }) {
  const { startsEpoch, microshards } = run.batch(step - 1);
  if (startsEpoch) carried = [];
  const results = await computeAll(microshards);
  const sum = (key, add) => reduceTree({ begin: 0, width: microshards.length }, (i) => results[i]?.[key], add);
  const plus = (left, right) => left + right;
  expectSame(step, 'sum of the losses', lossSum, sum('lossSum', plus));
  const gradient = sum('gradient', (left, right) => addGradients(layout, left, right));
  const divisor = reductionDivisor(objective.reduction, { tokens: sum('tokens', plus), sequences: sum('sequences', plus) });
  const { factors } = clipGradient(gradient, divisor, clip);
  const after = new Float32Array(layout.size);
  sgdStep({ layout, parameters, gradient, factors, learningRate }, after);
  if (parametersSha256 !== undefined) expectSame(step, 'hash of the parameters', parametersSha256, floatsSha256(after));
  return after;
}

async function computeAll(microshards) {
  computer.setParameters(parameters);
  const results = [];
  for (const [i, microshard] of microshards.entries()) {
    if (microshard === undefined) continue;
    results[i] = await computer.gradient(microshard, { initialStates: carried[i] });
    if (objective.truncation.kind === 'chunk') carried[i] = results[i].finalStates;
  }
  return results;
}

function expectSame(step, what, expected, got) {
  if (got !== expected) throw new Error(`${folder}: step ${String(step)}: expected ${String(expected)} as ${what}, as the run has, got ${String(got)}`);
}
