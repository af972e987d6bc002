import { BpttError } from './errors.js';

/**
 * How far back in time the error of an output flows.
 *
 * - `full`: to the beginning of the sequence.
 * - `window`: through at most `k` earlier time steps, counted from each output (k + 1 terms): the per-output loop of the tutorial.
 * - `chunk`: stream mode. A step reads `k` tokens of every lane; the state is carried into the next step, the error is not.
 */
export type Truncation = { readonly kind: 'full' } | { readonly kind: 'window'; readonly k: number } | { readonly kind: 'chunk'; readonly k: number };

const K_MAX = 1 << 20;

/**
 * Reads `full`, `window:k` (k >= 0) or `chunk:k` (k >= 1).
 * @throws BpttError `invalid-argument` for anything else
 */
export function parseTruncation(text: string): Truncation {
  if (text === 'full') return { kind: 'full' };
  const match = /^(window|chunk):(\d{1,7})$/.exec(text);
  const k = Number(match?.[2]);
  if (match?.[1] === 'window' && k <= K_MAX) return { kind: 'window', k };
  if (match?.[1] === 'chunk' && k >= 1 && k <= K_MAX) return { kind: 'chunk', k };
  throw new BpttError('invalid-argument', `truncation: expected full, window:k (k from 0 to ${String(K_MAX)}) or chunk:k (k from 1 to ${String(K_MAX)}), got ${JSON.stringify(text)}`);
}

/** The text that `parseTruncation` reads back. */
export function formatTruncation(truncation: Truncation): string {
  return truncation.kind === 'full' ? 'full' : `${truncation.kind}:${String(truncation.k)}`;
}
