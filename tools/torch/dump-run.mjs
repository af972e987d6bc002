// Writes what a run began with and read, for another program to train the same model on:
//
//     node tools/torch/dump-run.mjs runs/moby-dick --steps 100 --out folder [--cache .bptt-cache]
//
// `folder/initial.safetensors` holds the parameters before the first step, `folder/batches.jsonl` a line a step:
// {startsEpoch, microshards: [{T, B, sequences, inputs, targets} or null]}. Carried states are zero where `startsEpoch`; ids are time-major
// [T * B], -1 for no word; `sequences` of the B columns are not padding. With --validation `folder/validation.jsonl` holds a line for each microshard of the
// validation split. Needs the built packages (npm run build).
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { countSequences, initializeParameters, parameterLayout } from '@bptt/core';
import { encodeSafetensors, toStateDict } from '@bptt/interop';
import { openStoredRun } from './stored-run.mjs';

const { positionals: [folder], values: { steps, out, validation, cache } } = parseArgs({
  allowPositionals: true,
  options: { steps: { type: 'string' }, out: { type: 'string' }, validation: { type: 'boolean', default: false }, cache: { type: 'string', default: '.bptt-cache' } },
});
if (folder === undefined || out === undefined || !(Number(steps) >= 1)) throw new Error('usage: dump-run.mjs <run folder> --steps <count> --out <folder> [--validation] [--cache <folder>]');

const run = await openStoredRun(folder, cache);
const { model, seed, initialization } = run.config;
mkdirSync(out, { recursive: true });
const initial = toStateDict(parameterLayout(model), initializeParameters(model, seed, initialization));
writeFileSync(join(out, 'initial.safetensors'), encodeSafetensors(initial, { config: JSON.stringify(run.config) }));

await writeLines('batches.jsonl', Number(steps), (step) => {
  const { startsEpoch, microshards } = run.batch(step);
  return { startsEpoch, microshards: microshards.map((shard) => (shard === undefined ? null : plain(shard))) };
});
if (validation) {
  const microshards = run.validation();
  await writeLines('validation.jsonl', microshards.length, (i) => plain(microshards[i]));
}
run.close();

function plain(shard) {
  return { T: shard.T, B: shard.B, sequences: countSequences(shard), inputs: [...shard.inputs], targets: [...shard.targets] };
}

async function writeLines(name, count, line) {
  const lines = createWriteStream(join(out, name));
  for (let i = 0; i < count; i += 1) lines.write(`${JSON.stringify(line(i))}\n`);
  lines.end();
  await finished(lines);
}
