import type { Ids, Matrix, Operations, ProgramInputs } from '../backend.js';
import { NO_TOKEN } from '../microshard.js';
import { topUnits, type HeadConfig, type ModelConfig } from '../model-config.js';
import type { TensorDeclaration } from '../parameters.js';
import { logSumExp } from '../sampling.js';
import { rowOf } from '../shape.js';
import type { Head, Parameters } from './head.js';

/** A tail's rows come padded to a power of two, and at least to so many, so that backends that compile for shapes see few. */
const TAIL_ROWS_MIN = 8;

/**
 * Adaptive softmax (Grave et al. 2017) with the layout of PyTorch's `AdaptiveLogSoftmaxWithLoss`: frequent words, `y < c_0`, and one class for
 * each tail share the head; a word of tail `i`, `c_i <= y < c_{i+1}` with the last `c = V`, costs the class and its place within the tail:
 *
 *     E = -log softmax(W_head s)[y]                                                       y < c_0
 *     E = -log softmax(W_head s)[c_0 + i] - log softmax(W_i1 W_i0 s)[y - c_i]             otherwise
 *
 * Only rows whose word lies in a tail take part in it, which is what makes it cheap. It has no biases.
 */
export function adaptiveSoftmax(model: ModelConfig, { cutoffs, divValue }: Extract<HeadConfig, { kind: 'adaptive' }>): Head {
  const H = topUnits(model);
  const bounds = [...cutoffs, model.vocabulary];
  const tails = cutoffs.map((begin, i) => ({ i, begin, size: bounds[i + 1] - begin, width: tailWidth(H, divValue, i) }));
  return {
    declarations: [
      { name: HEAD, shape: [cutoffs[0] + tails.length, H] },
      ...tails.flatMap(({ i, size, width }): TensorDeclaration[] => [{ name: tailName(i, 0), shape: [width, H] }, { name: tailName(i, 1), shape: [size, width] }]),
    ],
    inputs({ targets }) {
      const tailOf = (word: number): number => bounds.findIndex((bound) => word < bound) - 1;
      const ids: Record<string, Int32Array> = { targets: targets.map((word) => (word < cutoffs[0] ? word : cutoffs[0] + tailOf(word))) };
      for (const { i, begin, size } of tails) {
        const members = Array.from(targets.keys()).filter((row) => targets[row] >= begin && targets[row] < begin + size);
        const padded = new Int32Array(paddedRows(members.length)).fill(NO_TOKEN);
        ids[rowsName(i)] = padded.map((_, j) => members[j] ?? NO_TOKEN);
        ids[targetsName(i)] = padded.map((_, j) => (j < members.length ? targets[members[j]] - begin : NO_TOKEN));
      }
      return { ids, matrices: {} };
    },
    losses(operations, parameters, states, inputs) {
      const ofHead = operations.linearSoftmaxLoss({ states, weight: parameters[HEAD], bias: undefined, targets: inputs.ids['targets'] });
      return tails.reduce((sum, { i }) => {
        const { projected } = project(operations, parameters, i, { states, inputs });
        const losses = operations.linearSoftmaxLoss({ states: projected, weight: parameters[tailName(i, 1)], bias: undefined, targets: inputs.ids[targetsName(i)] });
        return operations.add(sum, operations.scatterAddRows(losses, inputs.ids[rowsName(i)], states.rows));
      }, ofHead);
    },
    gradients(operations, parameters, states, inputs) {
      const ofHead = operations.linearSoftmaxCrossEntropy({ states, weight: parameters[HEAD], bias: undefined, targets: inputs.ids['targets'] });
      const dParameters: Record<string, Matrix> = { [HEAD]: ofHead.dWeight };
      let { losses, dStates } = ofHead;
      for (const { i } of tails) {
        const rows = inputs.ids[rowsName(i)];
        const { members, projected } = project(operations, parameters, i, { states, inputs });
        const tail = operations.linearSoftmaxCrossEntropy({ states: projected, weight: parameters[tailName(i, 1)], bias: undefined, targets: inputs.ids[targetsName(i)] });
        dParameters[tailName(i, 0)] = operations.matMul(tail.dStates, members, { transposeA: true });
        dParameters[tailName(i, 1)] = tail.dWeight;
        losses = operations.add(losses, operations.scatterAddRows(tail.losses, rows, states.rows));
        const dMembers = operations.matMul(tail.dStates, parameters[tailName(i, 0)]);
        dStates = operations.add(dStates, operations.scatterAddRows(dMembers, rows, states.rows));
      }
      return { losses, dStates, dParameters };
    },
    logits(operations, parameters, states) {
      const product = (a: Matrix, name: string): Matrix => operations.matMul(a, parameters[name], { transposeB: true });
      const ofTails = tails.map(({ i }) => [`tail.${String(i)}`, product(product(states, tailName(i, 0)), tailName(i, 1))] as const);
      return { head: product(states, HEAD), ...Object.fromEntries(ofTails) };
    },
    scores(outputs) {
      const { head } = outputs;
      const scores = new Float64Array(head.rows * model.vocabulary);
      for (let n = 0; n < head.rows; n += 1) {
        const row = scores.subarray(n * model.vocabulary, (n + 1) * model.vocabulary);
        const ofHead = rowOf(head, n);
        row.set(ofHead.subarray(0, cutoffs[0]));
        for (const { i, begin, size } of tails) {
          const ofTail = rowOf(outputs[`tail.${String(i)}`], n);
          const shift = ofHead[cutoffs[0] + i] - logSumExp(ofTail);
          for (let j = 0; j < size; j += 1) row[begin + j] = ofTail[j] + shift;
        }
      }
      return scores;
    },
  };
}

/** Units that tail `i` of an adaptive softmax is projected to, as PyTorch has it: `floor(H / divValue^(i + 1))`. */
export function tailWidth(units: number, divValue: number, i: number): number {
  let divisor = divValue;
  for (let power = 0; power < i; power += 1) divisor *= divValue;
  return Math.floor(units / divisor);
}

const HEAD = 'decoder.head.weight';
const tailName = (i: number, part: 0 | 1): string => `decoder.tail.${String(i)}.${String(part)}.weight`;
const rowsName = (i: number): string => `rows.${String(i)}`;
const targetsName = (i: number): string => `targets.${String(i)}`;

/** States of the rows that lie in tail `i`, and their projection. */
function project(operations: Operations, parameters: Parameters, i: number, { states, inputs }: { states: Matrix; inputs: ProgramInputs<Matrix, Ids> }): { members: Matrix; projected: Matrix } {
  const members = operations.gatherRows(states, inputs.ids[rowsName(i)]);
  return { members, projected: operations.matMul(members, parameters[tailName(i, 0)], { transposeB: true }) };
}

function paddedRows(rows: number): number {
  let padded = TAIL_ROWS_MIN;
  while (padded < rows) padded *= 2;
  return padded;
}
