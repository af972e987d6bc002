import { parseSettings } from '@bptt/trainer/settings';
import { flowSchema, type Flags } from '../command-settings.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { flowLines } from '../flow-report.js';
import { processOutput } from '../output.js';
import { watchInterrupts } from '../parent.js';
import { withRun, withScoredText } from '../with-run.js';

/** `bptt flow <run> <corpus>`: how errors flow back in time through a trained model. */
export async function flow(run: string, source: string, { json = false, ...flags }: Flags & { readonly json?: boolean }): Promise<ExitCode> {
  const { backend, device, checkpoint, cache, ...settings } = parseSettings(flowSchema, flags);
  const signal = watchInterrupts();
  await withRun(run, { backend, device, checkpoint }, (model) => withScoredText(source, model, cache, async ({ name, split }) => {
    const measurement = await model.measureSplit(split, { ...settings, signal });
    const { backendId, step, parametersSha256 } = model;
    if (json) processOutput.line(JSON.stringify({ event: 'flow', measured: name, ...measurement, step, backend: backendId, parametersSha256 }));
    else for (const line of flowLines(measurement, name)) processOutput.line(line);
  }));
  return EXIT.done;
}
