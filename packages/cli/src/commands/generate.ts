import { parseSettings } from '@bptt/trainer/settings';
import { generateSchema, type Flags } from '../command-settings.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { processOutput } from '../output.js';
import { watchInterrupts } from '../parent.js';
import { withRun } from '../with-run.js';

/** `bptt generate <run>`: texts of a trained model, one a line. */
export async function generate(run: string, { json = false, ...flags }: Flags & { readonly json?: boolean }): Promise<ExitCode> {
  const { backend, device, checkpoint, ...settings } = parseSettings(generateSchema, flags);
  const signal = watchInterrupts();
  await withRun(run, { backend, device, checkpoint }, async (model) => {
    let index = 0;
    for await (const { text, tokens, logProbability, ended } of model.generateEach({ ...settings, signal })) {
      processOutput.line(json ? JSON.stringify({ event: 'sample', index, text, tokens, logProbability, ended }) : text);
      index += 1;
    }
  });
  return EXIT.done;
}
