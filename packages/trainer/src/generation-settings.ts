import { BpttError, SIZE_MAX } from '@bptt/core';
import { z } from 'zod';
import { oneOf, parseSettings, realNumber, wholeNumber } from './settings-schema.js';
import { BACKENDS, deviceSetting } from './training-settings.js';

const SAMPLES_MAX = 10_000;
/** Texts of a beam search at a time, so that their logits fit in memory. */
const BEAM_MAX = 256;

const words = (flags: string, help: string) => z.string({ error: 'expected words as a text' }).default('').meta({ flags, help, defaultText: 'none' });

/** Which parameters of a run are used, and what computes. */
export const loadingSchema = z.strictObject({
  checkpoint: oneOf(['last', 'best']).default('last').meta({ flags: '--checkpoint <which>', help: 'parameters that are used: last, or best (of the lowest loss of a validation that was due)' }),
  backend: oneOf(BACKENDS).default('auto').meta({ flags: '--backend <name>', help: 'what computes: auto, reference, simd, simd-relaxed, blas or gpu' }),
  device: deviceSetting,
});

/** What texts are generated. */
export const generationSchema = z.strictObject({
  prompt: words('--prompt <text>', 'words that every text begins with'),
  length: wholeNumber(1, 10_000).default(40).meta({ flags: '--length <words>', help: 'most words of a text, the prompt left out' }),
  samples: wholeNumber(1, SAMPLES_MAX).default(1).meta({ flags: '--samples <count>', help: 'texts' }),
  temperature: realNumber(0, 100).default(1).meta({ flags: '--temperature <t>', help: 'below 1 surer, above 1 bolder; 0 always takes the likeliest word' }),
  topK: wholeNumber(0, SIZE_MAX).default(0).meta({ flags: '--top-k <words>', help: 'draw among so many likeliest words; 0 means all' }),
  topP: realNumber(0, 1, { above: true }).default(1).meta({ flags: '--top-p <share>', help: 'draw among the fewest likeliest words that have this share of the probability' }),
  beam: wholeNumber(0, BEAM_MAX).default(0).meta({ flags: '--beam <width>', help: 'search for the likeliest texts, so many at a time, instead of drawing; 0 draws' }),
  lengthExponent: realNumber(0, 10).default(1).meta({ flags: '--length-exponent <e>', help: 'with --beam: a text of n words scores log P / n^e; 0 favours short texts' }),
  forbid: words('--forbid <words>', 'words that never occur'),
  require: words('--require <words>', 'words that occur in every text, prompt included; it does not end before'),
  stop: words('--stop <words>', 'words that end a text, each as its last word'),
  seed: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(1).meta({ flags: '--seed <number>', help: 'seed of the draws' }),
});
/** What texts are generated, all of it set. */
export type GenerationSettings = z.output<typeof generationSchema>;
export type LoadingSettings = z.output<typeof loadingSchema>;

/**
 * Settings of generation, defaults filled in.
 * @throws BpttError `invalid-argument` for an unknown key, a bad value, and for what a beam search has no use for
 */
export function generationSettings(given: Readonly<Record<string, unknown>>): GenerationSettings {
  const settings = parseSettings(generationSchema, given);
  const { beam, samples, temperature, topK, topP } = settings;
  if (beam === 0) return settings;
  const refuse = (key: string, expected: string, got: number): never => { throw new BpttError('invalid-argument', `${key}: expected ${expected}, got ${String(got)}`); };
  if (samples > beam) refuse('samples', `at most the beam (${String(beam)})`, samples);
  if (temperature !== 1) refuse('temperature', '1 with a beam, which draws nothing', temperature);
  if (topK !== 0) refuse('topK', '0 with a beam, which draws nothing', topK);
  if (topP !== 1) refuse('topP', '1 with a beam, which draws nothing', topP);
  return settings;
}
