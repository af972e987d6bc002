import { fileURLToPath } from 'node:url';
import type { RunPlace } from './generated-corpus.js';
import type { Workload } from './workload.js';

/** The command `bptt`, as it is installed. */
export const BPTT = fileURLToPath(new URL('../../packages/cli/bin/bptt.js', import.meta.url));
const LEARNING_RATE = 0.1;
/** More than all windows need; the benchmark stops a run when it has seen enough, before it saves or validates. */
const STEPS = 100_000;

/** Options by which `bptt train` and `bptt serve` train a workload on a generated corpus, its batch in `microshards` parts. */
export function trainingWords({ model, truncation, T, B, clip = 0 }: Workload, microshards: number, { corpus, cache, run }: RunPlace): string[] {
  if (model.input !== 'embedding' || truncation.kind !== 'chunk') throw new Error('expected a model with an embedding on continuous text');
  const options = {
    tokens: 'whitespace', cell: model.cell, input: model.input, embedding: model.embedding, hidden: model.hidden.join(','), vocabulary: model.vocabulary, head: model.head.kind,
    truncation: `chunk:${String(T)}`, batch: B, microshards, lr: LEARNING_RATE, clip, steps: STEPS, 'checkpoint-every': 0, 'valid-every': STEPS, run, cache,
  };
  return [corpus, ...runWords(options)];
}

/** Options of a run that is watched. */
export function runWords(options: Readonly<Record<string, string | number>>): string[] {
  return [...Object.entries(options).map(([name, value]) => `--${name}=${String(value)}`), '--overwrite', '--json'];
}
