// Writes what a run began with and read, for another program to train the same model on:
//
//     node tools/torch/dump-run.mjs runs/moby-dick --steps 100 --out folder [--cache .bptt-cache]
//
// `folder/initial.safetensors` holds the parameters before the first step, `folder/batches.jsonl` a line a step:
// {startsEpoch, microshards: [{T, B, inputs, targets} or null]}. Carried states are zero where `startsEpoch`; ids are time-major [T * B],
// -1 for no word. Needs the built packages (npm run build).
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { initializeParameters, parameterLayout } from '@bptt/core';
import { openCorpus } from '@bptt/data';
import { encodeSafetensors, toStateDict } from '@bptt/interop';
import { corpusRunData, readStoredRun } from '@bptt/server';

const { positionals: [run], values: { steps, out, cache } } = parseArgs({
  allowPositionals: true,
  options: { steps: { type: 'string' }, out: { type: 'string' }, cache: { type: 'string', default: '.bptt-cache' } },
});
if (run === undefined || out === undefined || !(Number(steps) >= 1)) throw new Error('usage: dump-run.mjs <run folder> --steps <count> --out <folder> [--cache <folder>]');

const { config, corpusHash } = readStoredRun(run);
const { model, seed } = config;
const { source, tokens, lowercase, sentences } = config.corpus;
const corpus = await openCorpus(source, { tokens, lowercase, sentences, vocabulary: model.vocabulary, cacheDirectory: cache });
if (corpus.hash !== corpusHash) throw new Error(`corpus ${source}: expected the encoded text ${corpusHash} that the run read, got ${corpus.hash}`);

mkdirSync(out, { recursive: true });
const initial = toStateDict(parameterLayout(model), initializeParameters(model, seed));
writeFileSync(join(out, 'initial.safetensors'), encodeSafetensors(initial, { config: JSON.stringify(config) }));

const data = corpusRunData(corpus, config);
const lines = createWriteStream(join(out, 'batches.jsonl'));
for (let step = 0; step < Number(steps); step += 1) {
  const { startsEpoch, microshards } = data.batch(step);
  const shards = microshards.map((shard) => shard && { T: shard.T, B: shard.B, inputs: [...shard.inputs], targets: [...shard.targets] });
  lines.write(`${JSON.stringify({ startsEpoch, microshards: shards.map((shard) => shard ?? null) })}\n`);
}
lines.end();
await finished(lines);
corpus.close();
