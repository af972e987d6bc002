import type { Ids, Matrix, Operations, ProgramInputs } from '../backend.js';
import { assert } from '../errors.js';
import { NO_TOKEN, type Microshard } from '../microshard.js';
import type { ModelConfig } from '../model-config.js';
import type { Head, Parameters } from './head.js';
import { decoderDeclarations } from './softmax.js';

/** Softmax over `classes` at the last step of every sequence: the loss of `softmax` on the states `[B, H]` of those steps. */
export function lastSoftmax(model: ModelConfig, classes: number): Head {
  return {
    ...lastStep(model, classes),
    inputs(microshard) {
      const { rows, targets } = lastRows(microshard);
      return { ids: { rows, targets }, matrices: {} };
    },
    losses(operations, parameters, states, inputs) {
      const losses = operations.linearSoftmaxLoss({ ...decoder(parameters), states: lastStates(operations, states, inputs), targets: inputs.ids['targets'] });
      return operations.scatterAddRows(losses, inputs.ids['rows'], states.rows);
    },
    gradients(operations, parameters, states, inputs) {
      const { rows, targets } = inputs.ids;
      const result = operations.linearSoftmaxCrossEntropy({ ...decoder(parameters), states: lastStates(operations, states, inputs), targets });
      return {
        losses: operations.scatterAddRows(result.losses, rows, states.rows),
        dStates: operations.scatterAddRows(result.dStates, rows, states.rows),
        dParameters: { 'decoder.weight': result.dWeight, ...(result.dBias && { 'decoder.bias': result.dBias }) },
      };
    },
  };
}

/**
 * Mean squared error of a vector at the last step of every sequence, with `o_b = W_out s_b + b_out` and `O` outputs:
 *
 *     E_b = 1/O sum_j (o_bj - y_bj)^2          dE_b/do_b = 2/O (o_b - y_b)
 */
export function lastSquaredError(model: ModelConfig, outputs: number): Head {
  const errors = (operations: Operations, parameters: Parameters, states: Matrix, inputs: ProgramInputs<Matrix, Ids>) => {
    const last = lastStates(operations, states, inputs);
    const { weight, bias } = decoder(parameters);
    const all = operations.matMul(last, weight, { transposeB: true, addend: bias });
    // A column without a sequence has the bias as its output: taken out, its error is zero.
    const present = operations.gatherRows(all, inputs.ids['present']);
    return { last, ...operations.squaredError(present, inputs.matrices['values']) };
  };
  return {
    ...lastStep(model, outputs),
    inputs(microshard) {
      const { rows } = lastRows(microshard);
      const { values, B } = microshard;
      assert(values?.length === B * outputs, () => `lastSquaredError: expected ${String(B * outputs)} target values, got ${String(values?.length)}`);
      return { ids: { rows, present: rows.map((row, b) => (row === NO_TOKEN ? NO_TOKEN : b)) }, matrices: { values: { rows: B, columns: outputs, values } } };
    },
    losses: (operations, parameters, states, inputs) => operations.scatterAddRows(errors(operations, parameters, states, inputs).losses, inputs.ids['rows'], states.rows),
    gradients(operations, parameters, states, inputs) {
      const { last, losses, dA } = errors(operations, parameters, states, inputs);
      const { rows } = inputs.ids;
      const dLast = operations.matMul(dA, parameters['decoder.weight']);
      return {
        losses: operations.scatterAddRows(losses, rows, states.rows),
        dStates: operations.scatterAddRows(dLast, rows, states.rows),
        dParameters: {
          'decoder.weight': operations.matMul(dA, last, { transposeA: true }),
          ...(model.biases && { 'decoder.bias': operations.sumRows(dA) }),
        },
      };
    },
  };
}

function lastStep(model: ModelConfig, outputs: number): Pick<Head, 'declarations' | 'logits' | 'scores'> {
  return {
    declarations: decoderDeclarations(model, outputs),
    logits(operations, parameters, states) {
      const { weight, bias } = decoder(parameters);
      return { logits: operations.matMul(states, weight, { transposeB: true, addend: bias }) };
    },
    scores: ({ logits }) => logits.values.slice(),
  };
}

function decoder(parameters: Parameters): { weight: Matrix; bias: Matrix | undefined } {
  return { weight: parameters['decoder.weight'], bias: parameters['decoder.bias'] };
}

function lastStates(operations: Operations, states: Matrix, { ids }: ProgramInputs<Matrix, Ids>): Matrix {
  return operations.gatherRows(states, ids['rows']);
}

/** Row of the last step of every sequence, which is where its target stands, and that target; `NO_TOKEN` for a padded column. */
function lastRows({ T, B, targets }: Microshard): { rows: Int32Array; targets: Int32Array } {
  const rows = new Int32Array(B).fill(NO_TOKEN);
  for (let row = 0; row < T * B; row += 1) {
    if (targets[row] === NO_TOKEN) continue;
    assert(rows[row % B] === NO_TOKEN, () => `last-step head: expected one target a sequence, got more in column ${String(row % B)}`);
    rows[row % B] = row;
  }
  return { rows, targets: rows.map((row) => (row === NO_TOKEN ? NO_TOKEN : targets[row])) };
}
