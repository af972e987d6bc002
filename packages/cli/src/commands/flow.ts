import { loadRun } from '@bptt/trainer';
import { parseSettings } from '@bptt/trainer/settings';
import { flowSchema, type Flags } from '../command-settings.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { flowLines } from '../flow-report.js';
import { processOutput } from '../output.js';
import { watchInterrupts } from '../parent.js';
import { openScoredText } from '../scored-text.js';

/** `bptt flow <run> <corpus>`: how errors flow back in time through a trained model. */
export async function flow(run: string, source: string, { json = false, ...flags }: Flags & { readonly json?: boolean }): Promise<ExitCode> {
  const { backend, checkpoint, cache, ...settings } = parseSettings(flowSchema, flags);
  const signal = watchInterrupts();
  const model = await loadRun(run, { backend, checkpoint, onWarning: (message) => { processOutput.warn(message); } });
  try {
    const text = await openScoredText(source, model, cache);
    try {
      for (const warning of text.warnings) processOutput.warn(warning);
      const measurement = await model.measureSplit(text.split, { ...settings, signal });
      const { backendId, step, parametersSha256 } = model;
      if (json) processOutput.line(JSON.stringify({ event: 'flow', measured: text.name, ...measurement, step, backend: backendId, parametersSha256 }));
      else for (const line of flowLines(measurement, text.name)) processOutput.line(line);
    } finally {
      text.close();
    }
  } finally {
    model.close();
  }
  return EXIT.done;
}
