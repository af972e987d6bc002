import { createBackend } from '@bptt/worker';
import { tokenizeText, UNKNOWN_TOKEN } from '@bptt/data';
import { generateSchema, type Flags } from '../config.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { processOutput } from '../output.js';
import { watchInterrupts } from '../parent.js';
import { parseSettings } from '../settings-schema.js';
import { loadTrainedModel, sampleTexts, type TrainedModel } from '../trained-model.js';

/** `bptt generate <run>`: sentences of a trained model, one a line. */
export async function generate(run: string, { json = false, ...flags }: Flags & { readonly json?: boolean }): Promise<ExitCode> {
  const { prompt, backend, ...options } = parseSettings(generateSchema, flags);
  const signal = watchInterrupts();
  const trained = loadTrainedModel(run, (message) => { processOutput.warn(message); });
  const words = promptWords(trained, prompt, (message) => { processOutput.warn(message); });
  const instance = (await createBackend(backend)).create();
  let index = 0;
  try {
    for await (const { text, ended } of sampleTexts(trained, instance, { ...options, prompt: words })) {
      processOutput.line(json ? JSON.stringify({ event: 'sample', index, text, ended }) : text);
      index += 1;
      if (signal.aborted) return EXIT.interrupted;
    }
  } finally {
    instance.dispose();
  }
  return EXIT.done;
}

/** Ids of the words of a prompt. A word that the run does not know becomes UNKNOWN_TOKEN, and is named. */
export function promptWords({ vocabulary, text }: Pick<TrainedModel, 'vocabulary' | 'text'>, prompt: string, onWarning: (message: string) => void): number[] {
  const words = tokenizeText(prompt, text).flat();
  const unknown = [...new Set(words.filter((word) => vocabulary.idOf(word) === UNKNOWN_TOKEN))];
  if (unknown.length > 0) onWarning(`prompt: not in the vocabulary of this run, read as UNKNOWN_TOKEN: ${unknown.join(', ')}`);
  return words.map((word) => vocabulary.idOf(word));
}
