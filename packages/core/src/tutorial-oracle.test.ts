import { describe, expect, it } from 'vitest';
import { caseGradient } from './gradient-check.js';
import { parameterLayout } from './language-model.js';
import { createMicroshardComputer } from './microshard-computer.js';
import { NO_TOKEN, type Microshard } from './microshard.js';
import { MODEL_DEFAULTS, type ModelConfig } from './model-config.js';
import { tensorNamed, viewTensor } from './parameters.js';
import { referenceBackend } from './reference-backend.js';
import { objective, relativeDistance } from './testing/index.js';
import golden from './testing/golden/tutorial-window.json' with { type: 'json' };
import type { Truncation } from './truncation.js';

/*
 * Made by `tools/oracle/tutorial_oracle.py`: a vanilla RNN in float64, the error of every output followed back on its own. Its U `[H, V]`,
 * W and V are `rnn.weight_ih_l0` (kept transposed, `[V, H]`), `rnn.weight_hh_l0` and `decoder.weight`.
 */
const MODEL: ModelConfig = { ...MODEL_DEFAULTS, biases: false, vocabulary: golden.vocabulary, hidden: [golden.hidden] };
const LAYOUT = parameterLayout(MODEL);
const INPUT = 'rnn.weight_ih_l0';
const RECURRENT = 'rnn.weight_hh_l0';
const OUTPUT = 'decoder.weight';
const T = golden.steps;
/** Two gradients below this relative distance are the same up to rounding in float64. */
const SAME = 1e-10;
/** Two gradients above this relative distance are plainly different. */
const DIFFERENT = 0.1;

function flatten(U: number[][], V: number[][], W: number[][]): Float64Array {
  const flat = new Float64Array(LAYOUT.size);
  const transposed = U[0].map((_, word) => U.map((row) => row[word]));
  for (const [name, matrix] of [[INPUT, transposed], [OUTPUT, V], [RECURRENT, W]] as const) viewTensor(flat, tensorNamed(LAYOUT, name)).set(matrix.flat());
  return flat;
}

const PARAMETERS = flatten(golden.U, golden.V, golden.W);

/** Steps `[begin, end)` of the sentence. */
function part(begin: number, end: number): Microshard {
  return { index: 0, T: end - begin, B: 1, inputs: Int32Array.from(golden.x.slice(begin, end)), targets: Int32Array.from(golden.y.slice(begin, end)), sequences: Int32Array.of(0) };
}

function gradientOf(truncation: Truncation, microshard = part(0, T), initialStates?: Float64Array): Promise<Float64Array> {
  return caseGradient(referenceBackend({ precision: 'float64' }), { model: MODEL, objective: objective({ truncation, reduction: 'sentenceSum' }), microshard, initialStates }, PARAMETERS);
}

/** Loss of the sentence and the state after its first `steps` steps (rounded to float32 by the computer). */
async function evaluate(steps: number): Promise<{ loss: number; state: Float64Array }> {
  const computer = createMicroshardComputer({ backend: referenceBackend({ precision: 'float64' }), model: MODEL, objective: objective(), seed: 1 });
  computer.setParameters(PARAMETERS);
  const { lossSum, finalStates } = await computer.evaluate(part(0, steps));
  return { loss: lossSum, state: Float64Array.from(finalStates) };
}

/** The gradients of chunks of `k` steps, each begun with the state that the one before ended with, added. */
async function chunkGradient(k: number): Promise<Float64Array> {
  const sum = new Float64Array(LAYOUT.size);
  for (let begin = 0; begin < T; begin += k) {
    const state = begin === 0 ? undefined : (await evaluate(begin)).state;
    const gradient = await gradientOf({ kind: 'chunk', k }, part(begin, begin + k), state);
    gradient.forEach((value, i) => { sum[i] += value; });
  }
  return sum;
}

function distance(name: string, a: Float64Array, b: Float64Array): number {
  const tensor = tensorNamed(LAYOUT, name);
  return relativeDistance(viewTensor(a, tensor), viewTensor(b, tensor));
}

describe('the tutorial\'s truncated gradients', () => {
  it('come from a sentence of 60 steps and windows of 0, 1, 4 and 49', () => {
    expect(golden.steps).toBe(60);
    expect(golden.windows.map(({ k }) => k)).toEqual([0, 1, 4, 49]);
  });

  it('belong to the loss that core computes', async () => {
    const { loss } = await evaluate(T);
    expect(Math.abs(loss - golden.loss) / golden.loss).toBeLessThanOrEqual(SAME);
  });

  it.each(golden.windows)('are those of window($k)', async ({ k, dU, dV, dW }) => {
    const got = await gradientOf({ kind: 'window', k });
    const want = flatten(dU, dV, dW);
    for (const { name } of LAYOUT.tensors) expect(distance(name, got, want), name).toBeLessThanOrEqual(SAME);
  });

  it('tell a window from one that is a step shorter or longer, even 49 steps back', async () => {
    for (const { k, dU, dV, dW } of golden.windows) {
      const want = flatten(dU, dV, dW);
      for (const other of [k - 1, k + 1].filter((steps) => steps >= 0)) {
        const got = await gradientOf({ kind: 'window', k: other });
        for (const name of [INPUT, RECURRENT]) expect(distance(name, got, want), `${name}, window(${String(other)}) for window(${String(k)})`).toBeGreaterThan(1e4 * SAME);
      }
    }
  });
});

describe('window(4) over 60 steps', () => {
  it('is not the sum of chunks of four steps with a carried state', async () => {
    const window = await gradientOf({ kind: 'window', k: 4 });
    const chunks = await chunkGradient(4);
    for (const name of [INPUT, RECURRENT]) expect(distance(name, chunks, window), name).toBeGreaterThan(DIFFERENT);
    // Truncation never touches the output layer: both rules agree there (to the float32 of the carried states).
    expect(distance(OUTPUT, chunks, window)).toBeLessThan(1e-6);
  });

  it('is not the gradient of the last four steps alone', async () => {
    const window = await gradientOf({ kind: 'window', k: 4 });
    const lastSteps = await gradientOf({ kind: 'chunk', k: 4 }, part(T - 4, T), (await evaluate(T - 4)).state);
    for (const { name } of LAYOUT.tensors) expect(distance(name, lastSteps, window), name).toBeGreaterThan(DIFFERENT);
  });

  it('is not the window of the last four errors alone', async () => {
    const window = await gradientOf({ kind: 'window', k: 4 });
    const sentence = part(0, T);
    const lastErrors = await gradientOf({ kind: 'window', k: 4 }, { ...sentence, targets: sentence.targets.map((word, t) => (t < T - 4 ? NO_TOKEN : word)) });
    for (const { name } of LAYOUT.tensors) expect(distance(name, lastErrors, window), name).toBeGreaterThan(DIFFERENT);
  });

  it('differs from the gradient of the loss, which one chunk over all steps and a window of 59 have', async () => {
    const full = await gradientOf({ kind: 'full' });
    const window = await gradientOf({ kind: 'window', k: 4 });
    for (const name of [INPUT, RECURRENT]) expect(distance(name, window, full), name).toBeGreaterThan(DIFFERENT);
    for (const { name } of LAYOUT.tensors) {
      expect(distance(name, await chunkGradient(T), full), name).toBeLessThanOrEqual(SAME);
      expect(distance(name, await gradientOf({ kind: 'window', k: T - 1 }), full), name).toBeLessThanOrEqual(SAME);
    }
  });
});
