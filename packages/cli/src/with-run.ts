import { loadRun, type LanguageModel } from '@bptt/trainer';
import type { LoadingSettings } from '@bptt/trainer/settings';
import { processOutput } from './output.js';
import { openScoredText, type ScoredText } from './scored-text.js';

/** Loads what a run has learnt, lets `use` have it, and closes it. */
export async function withRun(run: string, { backend, device, checkpoint }: LoadingSettings, use: (model: LanguageModel) => Promise<void>): Promise<void> {
  const model = await loadRun(run, { backend, device, checkpoint, onWarning: (message) => { processOutput.warn(message); } });
  try {
    await use(model);
  } finally {
    model.close();
  }
}

/** Opens a text for `model`, lets `use` have it, and closes it. */
export async function withScoredText(source: string, model: LanguageModel, cache: string, use: (text: ScoredText) => Promise<void>): Promise<void> {
  const text = await openScoredText(source, model, cache);
  try {
    for (const warning of text.warnings) processOutput.warn(warning);
    await use(text);
  } finally {
    text.close();
  }
}
