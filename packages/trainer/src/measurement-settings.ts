import { BpttError, parseTruncation, type Truncation } from '@bptt/core';
import { z } from 'zod';
import { parseSettings, textRead, wholeNumber, wholeNumbers } from './settings-schema.js';

/** Farthest lag that can be asked for: no sentence is read over more than 256 steps. */
const LAG_MAX = 255;
const LAGS_DEFAULT = 50;
/** Lags of the Jacobians unless set. */
const JACOBIAN_LAGS_DEFAULT: readonly number[] = [1, 10];

/** What is measured of a trained model. */
export const measurementSchema = z.strictObject({
  lags: wholeNumber(1, LAG_MAX).optional()
    .meta({ flags: '--lags <steps>', help: 'how far back errors are followed', defaultText: `${String(LAGS_DEFAULT)}, or as far as a tenth of the sentences reach where that is less` }),
  sentences: wholeNumber(1, 100_000).default(64).meta({ flags: '--sentences <count>', help: 'sentences that are looked at, drawn from those that reach back so far' }),
  jacobianLags: wholeNumbers(1, LAG_MAX).optional()
    .meta({ flags: '--jacobian-lags <steps>', help: 'steps that the Jacobians go back over: 1 or 1,5,20', defaultText: `${JACOBIAN_LAGS_DEFAULT.join(',')}, as far as --lags` }),
  jacobianSamples: wholeNumber(0, 10_000).default(16).meta({ flags: '--jacobian-samples <count>', help: 'moments at which Jacobians are taken; 0 takes none' }),
  truncations: textRead(checkTruncations, 'window:k or chunk:k, or several').default('window:4,window:16')
    .meta({ flags: '--truncations <rules>', help: 'truncations whose gradient is compared with the full one: window:4 or window:4,chunk:35' }),
  seed: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(1).meta({ flags: '--seed <number>', help: 'seed of the sentences and moments that are drawn' }),
});

/** What is measured, all of it set. */
export interface MeasurementSettings extends Omit<z.output<typeof measurementSchema>, 'truncations'> {
  readonly lags: number;
  readonly jacobianLags: readonly number[];
  readonly truncations: readonly Truncation[];
}

/** How far back the sentences of a text reach, in steps. */
export interface SentenceReach {
  /** The longest. */
  readonly longest: number;
  /** At least a tenth of them. */
  readonly tenth: number;
}

/**
 * Settings of a measurement on a text, defaults filled in.
 * @throws BpttError `invalid-argument` for an unknown key or bad value, and for lags beyond what the text has
 */
export function measurementSettings(given: Readonly<Record<string, unknown>>, { longest, tenth }: SentenceReach): MeasurementSettings {
  const settings = parseSettings(measurementSchema, given);
  const lags = settings.lags ?? Math.min(LAGS_DEFAULT, tenth);
  if (lags > longest) throw new BpttError('invalid-argument', `lags: expected at most ${String(longest)}, as far as the longest sentence of the text reaches, got ${String(lags)}`);
  const jacobianLags = settings.jacobianLags ?? JACOBIAN_LAGS_DEFAULT.filter((lag) => lag <= lags);
  const beyond = jacobianLags.find((lag) => lag > lags);
  if (beyond !== undefined) throw new BpttError('invalid-argument', `jacobianLags: expected at most ${String(lags)}, as many as lags, got ${String(beyond)}`);
  return { ...settings, lags, jacobianLags, truncations: parseTruncations(settings.truncations) };
}

function parseTruncations(rules: string): readonly Truncation[] {
  return rules.split(',').map((rule) => parseTruncation(rule.trim()));
}

/** The text itself, so that settings that were read once can be read again. */
function checkTruncations(rules: string): string {
  parseTruncations(rules);
  return rules;
}
