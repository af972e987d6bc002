// What a run was told to do and what it read, from its folder. Needs the built packages (npm run build).
import { BpttError } from '@bptt/core';
import { openCorpus } from '@bptt/data';
import { corpusRunData, readStoredRun } from '@bptt/server';

/** The configuration of the run in `folder`, its backend, and its batches; `cache` is the folder of encoded corpora. */
export async function openStoredRun(folder, cache) {
  const { config, corpusHash, backendId } = readStoredRun(folder);
  if (config.initialParametersSha256 !== undefined) {
    throw new BpttError('failed-precondition', `${folder}: expected a run whose first parameters were drawn, got one with --init-from`);
  }
  const { source, tokens, lowercase, sentences } = config.corpus;
  const corpus = await openCorpus(source, { tokens, lowercase, sentences, vocabulary: config.model.vocabulary, cacheDirectory: cache });
  if (corpus.hash !== corpusHash) throw new BpttError('failed-precondition', `corpus ${source}: expected the encoded text ${corpusHash} that the run read, got ${corpus.hash}`);
  const data = corpusRunData(corpus, config);
  return {
    config,
    backendId,
    /** The batch of step `step`, counted from 0; a microshard that reads nothing is undefined. */
    batch: (step) => data.batch(step),
    /** The microshards in which the validation split is scored. */
    validation: () => Array.from({ length: data.evaluation.count }, (_, i) => data.evaluation.microshard(i)),
    close: () => { corpus.close(); },
  };
}
