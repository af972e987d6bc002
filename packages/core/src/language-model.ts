import type { Ids, Matrix, Operations, Program, ProgramInputs } from './backend.js';
import type { Carry, Cell } from './cells/cell.js';
import { vanillaRnn } from './cells/vanilla-rnn.js';
import { softmaxForward, softmaxForwardBackward, softmaxLogits, type SoftmaxWeights } from './heads/softmax.js';
import { initializeUniformFanIn } from './initializers.js';
import { assertLegalModel, type ModelConfig } from './model-config.js';
import { layOut, type ParameterLayout, type TensorDeclaration } from './parameters.js';
import { backpropagateThroughTime, unroll, type Layer, type LayerGradient, type LayerTrace, type SequenceShape } from './sequence.js';
import { formatTruncation, type Truncation } from './truncation.js';

/** The cell that every layer of `model` is made of. */
export function cellOf(model: ModelConfig): Cell {
  return vanillaRnn(model.activation);
}

/**
 * Names and shapes of all parameters, in PyTorch's naming. A one-hot input reads rows of `rnn.weight_ih_l0`, which is therefore kept
 * transposed, `[V, G * H]`; an embedding has `encoder.weight` `[V, D]` besides.
 */
export function parameterLayout(model: ModelConfig): ParameterLayout {
  assertLegalModel(model);
  const { vocabulary: V, embedding: D, hidden: H, layers: L, biases } = model;
  const gates = cellOf(model).gates * H;
  const declarations: TensorDeclaration[] = model.input === 'embedding' ? [{ name: 'encoder.weight', shape: [V, D], rowSparse: true }] : [];
  for (let l = 0; l < L; l += 1) {
    const input: TensorDeclaration = { name: `rnn.weight_ih_l${String(l)}`, shape: [gates, l > 0 ? H : D] };
    declarations.push(l === 0 && model.input === 'onehot' ? { name: input.name, shape: [V, gates], rowSparse: true, transposed: true } : input);
    declarations.push({ name: `rnn.weight_hh_l${String(l)}`, shape: [gates, H] });
    if (biases) declarations.push({ name: `rnn.bias_ih_l${String(l)}`, shape: [gates] }, { name: `rnn.bias_hh_l${String(l)}`, shape: [gates] });
  }
  declarations.push({ name: 'decoder.weight', shape: [V, H] });
  if (biases) declarations.push({ name: 'decoder.bias', shape: [V] });
  return layOut(declarations);
}

/** The parameters that a run with this seed begins with. */
export function initializeParameters(model: ModelConfig, seed: number): Float32Array {
  return initializeUniformFanIn(parameterLayout(model), seed);
}

/** Elements of the carried state of `B` sequences: `[L, parts, B, H]`. */
export function stateSize(model: ModelConfig, B: number): number {
  return model.layers * cellOf(model).carryParts * B * model.hidden;
}

/** Name under which the carry of a layer goes into and comes out of a program. */
export function carryName(layer: number, part: number): string {
  return `carry.${String(layer)}.${String(part)}`;
}

type Parameters = Readonly<Record<string, Matrix>>;
type Inputs = ProgramInputs<Matrix, Ids>;

/**
 * Loss and gradient of one microshard. Inputs: ids `inputs`, `groups` (position of each input word among the distinct words) and
 * `targets`, each `[T * B]`; the initial carry by `carryName`. Outputs: `losses` `[T * B, 1]`, the final carry by `carryName`, and for every
 * parameter `d <name>`: the gradient of the sum of the losses, that of a row-sparse tensor as `[T * B, n]` rows by group.
 */
export function gradientProgram(model: ModelConfig, truncation: Truncation, shape: SequenceShape): Program {
  return {
    key: `gradient ${modelKey(model)} ${formatTruncation(truncation)} T ${String(shape.T)} B ${String(shape.B)}`,
    trace(operations, parameters, inputs) {
      const forward = runForward(operations, model, { parameters, inputs, shape });
      const head = softmaxForwardBackward(operations, softmaxWeights(parameters), forward.states, inputs.ids.targets);
      const gradients = backpropagateThroughTime(operations, forward.layers, head.dStates, { shape, truncation });
      return {
        losses: head.losses,
        ...finalCarry(forward.layers),
        'd decoder.weight': head.dWeight,
        ...(head.dBias && { 'd decoder.bias': head.dBias }),
        ...parameterGradients(operations, { model, parameters, inputs, forward, gradients }),
      };
    },
  };
}

/** Loss of one microshard: inputs and outputs of `gradientProgram` without `groups` and without gradients. */
export function lossProgram(model: ModelConfig, shape: SequenceShape): Program {
  return {
    key: `loss ${modelKey(model)} T ${String(shape.T)} B ${String(shape.B)}`,
    trace(operations, parameters, inputs) {
      const forward = runForward(operations, model, { parameters, inputs, shape });
      return { losses: softmaxForward(operations, softmaxWeights(parameters), forward.states, inputs.ids.targets), ...finalCarry(forward.layers) };
    },
  };
}

/** States of the top layer and logits for a batch of sequences: ids `inputs`, the carry in and out, output `logits` `[T * B, V]`. */
export function logitsProgram(model: ModelConfig, shape: SequenceShape): Program {
  return {
    key: `logits ${modelKey(model)} T ${String(shape.T)} B ${String(shape.B)}`,
    trace(operations, parameters, inputs) {
      const forward = runForward(operations, model, { parameters, inputs, shape });
      return { logits: softmaxLogits(operations, softmaxWeights(parameters), forward.states), ...finalCarry(forward.layers) };
    },
  };
}

/**
 * Everything that a training step of one microshard computes on its way, for finding where an explosion began and for the states that a
 * truncated check freezes. Inputs as `gradientProgram` without `groups`. Outputs: `losses`, and for every layer `states.l` `[T * B, H]` and
 * `errors.l` `[T * B, G * H]`, the gradient of its pre-activations.
 */
export function inspectionProgram(model: ModelConfig, truncation: Truncation, shape: SequenceShape): Program {
  return {
    key: `inspection ${modelKey(model)} ${formatTruncation(truncation)} T ${String(shape.T)} B ${String(shape.B)}`,
    trace(operations, parameters, inputs) {
      const forward = runForward(operations, model, { parameters, inputs, shape });
      const head = softmaxForwardBackward(operations, softmaxWeights(parameters), forward.states, inputs.ids.targets);
      const gradients = backpropagateThroughTime(operations, forward.layers, head.dStates, { shape, truncation });
      const result: Record<string, Matrix> = { losses: head.losses };
      forward.layers.forEach(({ trace }, l) => { result[`states.${String(l)}`] = trace.states; });
      gradients.forEach(({ dProjected }, l) => { result[`errors.${String(l)}`] = dProjected; });
      return result;
    },
  };
}

interface Forward {
  readonly layers: readonly { readonly layer: Layer; readonly trace: LayerTrace }[];
  /** States of the top layer, `[T * B, H]`. */
  readonly states: Matrix;
  /** The input of the bottom layer where it is dense, `[T * B, D]`. */
  readonly embedded: Matrix | undefined;
}

interface ForwardArguments {
  readonly parameters: Parameters;
  readonly inputs: Inputs;
  readonly shape: SequenceShape;
}

function runForward(operations: Operations, model: ModelConfig, { parameters, inputs, shape }: ForwardArguments): Forward {
  const cell = cellOf(model);
  const embedded = model.input === 'embedding' ? operations.gatherRows(parameters['encoder.weight'], inputs.ids.inputs) : undefined;
  const layers: { layer: Layer; trace: LayerTrace }[] = [];
  let below = embedded;
  for (let l = 0; l < model.layers; l += 1) {
    const named = (name: string): Matrix | undefined => parameters[`rnn.${name}_l${String(l)}`];
    const weight = parameters[`rnn.weight_ih_l${String(l)}`];
    const hidden = parameters[`rnn.weight_hh_l${String(l)}`];
    const bias = named('bias_ih');
    const layer: Layer = { cell, weights: { hidden, hiddenBias: named('bias_hh') }, input: below && weight };
    const projected = below === undefined
      ? lookUpProjection(operations, weight, bias, inputs.ids.inputs)
      : operations.matMul(below, weight, { transposeB: true, addend: bias });
    const initial: Carry = Array.from({ length: cell.carryParts }, (_, part) => inputs.matrices[carryName(l, part)]);
    const trace = unroll(operations, layer, projected, initial, shape);
    layers.push({ layer, trace });
    below = trace.states;
  }
  return { layers, states: layers[layers.length - 1].trace.states, embedded };
}

/** `W_ih x + b_ih` for one-hot `x`: a row lookup. */
function lookUpProjection(operations: Operations, weight: Matrix, bias: Matrix | undefined, inputs: Ids): Matrix {
  const rows = operations.gatherRows(weight, inputs);
  return bias === undefined ? rows : operations.addRow(rows, bias);
}

function softmaxWeights(parameters: Parameters): SoftmaxWeights {
  return { weight: parameters['decoder.weight'], bias: parameters['decoder.bias'] };
}

function finalCarry(layers: Forward['layers']): Record<string, Matrix> {
  return Object.fromEntries(layers.flatMap(({ trace }, l) => trace.final.map((part, p) => [carryName(l, p), part])));
}

interface GradientArguments {
  readonly model: ModelConfig;
  readonly parameters: Parameters;
  readonly inputs: Inputs;
  readonly forward: Forward;
  readonly gradients: readonly LayerGradient[];
}

/** From the gradients of the pre-activations to those of the weights (`docs/math/bptt.md` equations 6 to 8). */
function parameterGradients(operations: Operations, { model, parameters, inputs, forward, gradients }: GradientArguments): Record<string, Matrix> {
  const result: Record<string, Matrix> = {};
  gradients.forEach(({ dProjected, dRecurrent }, l) => {
    const suffix = `_l${String(l)}`;
    const below = l === 0 ? forward.embedded : forward.layers[l - 1].trace.states;
    result[`d rnn.weight_ih${suffix}`] = below === undefined
      ? operations.scatterAddRows(dProjected, inputs.ids.groups)
      : operations.matMul(dProjected, below, { transposeA: true });
    result[`d rnn.weight_hh${suffix}`] = operations.matMul(dRecurrent, forward.layers[l].trace.previous, { transposeA: true });
    if (model.biases) {
      result[`d rnn.bias_ih${suffix}`] = operations.sumRows(dProjected);
      result[`d rnn.bias_hh${suffix}`] = operations.sumRows(dRecurrent);
    }
  });
  if (model.input === 'embedding') {
    const dEmbedded = operations.matMul(gradients[0].dProjected, parameters['rnn.weight_ih_l0']);
    result['d encoder.weight'] = operations.scatterAddRows(dEmbedded, inputs.ids.groups);
  }
  return result;
}

function modelKey({ cell, activation, biases, input, layers }: ModelConfig): string {
  return `${cell} ${activation} ${biases ? 'biases' : 'no biases'} ${input} L ${String(layers)}`;
}
