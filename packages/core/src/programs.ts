import type { Ids, Matrix, Operations, Program, ProgramInputs } from './backend.js';
import { partsOf } from './cells/cell.js';
import { finalCarry, maskName, runForward, type Forward, type ForwardArguments } from './forward.js';
import type { Head, HeadGradients, Parameters } from './heads/head.js';
import { headOf } from './heads/heads.js';
import type { ModelConfig } from './model-config.js';
import type { Objective } from './objective.js';
import { omegaGradient, topGradient } from './penalties.js';
import { backpropagateThroughTime, inputGradient, lagLoop, previousStates, stackedCache, type LayerGradient, type SequenceShape } from './sequence.js';
import { formatTruncation } from './truncation.js';

/**
 * Loss and gradient of one microshard. Inputs: `trainingInputs`. Outputs: `losses` `[T * B, 1]`, the final carry by `carryName`, and for every
 * parameter `d <name>`: the gradient of the sum of the losses and of the microshard's share of the penalties, that of a row-sparse tensor as
 * `[T * B, n]` rows by group.
 */
export function gradientProgram(model: ModelConfig, objective: Objective, shape: SequenceShape): Program {
  const head = headOf(model);
  return {
    key: `gradient ${modelKey(model)} ${objectiveKey(objective)} ${shapeKey(shape)}`,
    trace(operations, parameters, inputs) {
      const { forward, ofHead, gradients } = differentiate(operations, { model, objective, head }, { parameters, inputs, shape });
      return {
        losses: ofHead.losses,
        ...finalCarry(forward),
        ...parameterGradients(operations, { model, objective, parameters, inputs, forward, gradients, ofHead }),
      };
    },
  };
}

/** Loss of one microshard. Inputs: `evaluationInputs`, with `dropoutMasks` where `masked`. Outputs: `losses`, the final carry, and `states` of the top layer. */
export function lossProgram(model: ModelConfig, shape: SequenceShape, { masked = false } = {}): Program {
  const head = headOf(model);
  return {
    key: `loss ${modelKey(model)} ${masked ? 'dropout ' : ''}${shapeKey(shape)}`,
    trace(operations, parameters, inputs) {
      const forward = runForward(operations, model, { parameters, inputs, shape, masked });
      return { losses: head.losses(operations, parameters, forward.states, inputs), states: forward.top, ...finalCarry(forward) };
    },
  };
}

/** What `Head.scores` reads, for a batch of sequences: ids `inputs` (or `features`), the carry in and out. */
export function logitsProgram(model: ModelConfig, shape: SequenceShape): Program {
  const head = headOf(model);
  return {
    key: `logits ${modelKey(model)} ${shapeKey(shape)}`,
    trace(operations, parameters, inputs) {
      const forward = runForward(operations, model, { parameters, inputs, shape });
      return { ...head.logits(operations, parameters, forward.states), ...finalCarry(forward) };
    },
  };
}

/**
 * Everything that a training step of one microshard computes on its way, for finding where an explosion began and for what a check freezes.
 * Inputs as `gradientProgram`. Outputs: `losses`, and for every layer `l` and part `p` of its carry `states.l.p` `[T * B, H]` and
 * `errors.l` `[T * B, G * H]`, the gradient of its pre-activations; but for `window(k)` also `flow.l` `[T * B, H]`, `dE/ds_t`.
 */
export function inspectionProgram(model: ModelConfig, objective: Objective, shape: SequenceShape): Program {
  const head = headOf(model);
  return {
    key: `inspection ${modelKey(model)} ${objectiveKey(objective)} ${shapeKey(shape)}`,
    trace(operations, parameters, inputs) {
      const { forward, ofHead, gradients } = differentiate(operations, { model, objective, head, keepsFlow: true }, { parameters, inputs, shape });
      const result: Record<string, Matrix> = { losses: ofHead.losses };
      forward.layers.forEach(({ trace }, l) => {
        trace.initial.forEach((_, p) => { result[`states.${String(l)}.${String(p)}`] = operations.stack(trace.carries.map((carry) => carry[p])); });
      });
      gradients.forEach(({ dProjected, flow }, l) => {
        result[`errors.${String(l)}`] = dProjected;
        if (flow !== undefined) result[`flow.${String(l)}`] = flow.dStates;
      });
      return result;
    },
  };
}

/**
 * How the error of every output goes back in time, by the lag loop that `window(k)` trains by. Inputs: `evaluationInputs`. Outputs: for every layer `l`,
 * part `p` of its carry and lag `j` up to `lagMax` (below T) `flow.l.p.j` `[(T - j) * B, H]`: row block `tau` is `dE_{tau+j}/ds_tau`.
 */
export function flowProgram(model: ModelConfig, { T, B }: SequenceShape, lagMax: number): Program {
  const head = headOf(model);
  const shape = { T, B };
  return {
    key: `flow ${modelKey(model)} lags ${String(lagMax)} ${shapeKey(shape)}`,
    trace(operations, parameters, inputs) {
      const { layers, states } = runForward(operations, model, { parameters, inputs, shape });
      const { dStates } = head.gradients(operations, parameters, states, inputs);
      const result: Record<string, Matrix> = {};
      for (const { lag, layer, cache, dCarry } of lagLoop(operations, layers, dStates, { shape, lagMax })) {
        const gradient = layers[layer].layer.cell.wholeGradient(operations, cache, dCarry);
        gradient.forEach((matrix, part) => { result[`flow.${String(layer)}.${String(part)}.${String(lag)}`] = matrix; });
      }
      return result;
    },
  };
}

/**
 * Jacobians of single steps of one layer with `S` units of carry. Inputs: `evaluationInputs`; ids `steps` and `units` `[R]`, and `identity` `[S, S]`. Output:
 * `jacobian` `[R, S]`, whose row `r` is the gradient of unit `units[r]` of the carry after the step of row `steps[r]` by the carry before it;
 * zeros where both are -1.
 */
export function jacobianProgram(model: ModelConfig, { T, B }: SequenceShape, layer: number): Program {
  const shape = { T, B };
  return {
    key: `jacobian ${modelKey(model)} layer ${String(layer)} ${shapeKey(shape)}`,
    trace(operations, parameters, inputs) {
      const { layers } = runForward(operations, model, { parameters, inputs, shape });
      const { layer: { cell, weights }, trace } = layers[layer];
      const cache = stackedCache(operations, trace).map((part) => operations.gatherRows(part, inputs.ids['steps']));
      const dCarry = partsOf(operations, operations.gatherRows(inputs.matrices['identity'], inputs.ids['units']), cell.carryParts);
      return { jacobian: operations.beside(cell.backward(operations, weights, cache, dCarry).dCarry) };
    },
  };
}

/** What can saturate. Inputs: `evaluationInputs`. Outputs: for every layer `l` and nonlinearity `i` of its cell `activation.l.i` `[T * B, H]`. */
export function activationProgram(model: ModelConfig, { T, B }: SequenceShape): Program {
  const shape = { T, B };
  return {
    key: `activations ${modelKey(model)} ${shapeKey(shape)}`,
    trace(operations, parameters, inputs) {
      const { layers } = runForward(operations, model, { parameters, inputs, shape });
      const result: Record<string, Matrix> = {};
      layers.forEach(({ layer: { cell }, trace }, l) => {
        cell.activations(operations, stackedCache(operations, trace)).forEach((values, i) => { result[`activation.${String(l)}.${String(i)}`] = values; });
      });
      return result;
    },
  };
}

interface Differentiated {
  readonly forward: Forward;
  readonly ofHead: HeadGradients;
  readonly gradients: readonly LayerGradient[];
}

interface WhatToDifferentiate {
  readonly model: ModelConfig;
  readonly objective: Objective;
  readonly head: Head;
  readonly keepsFlow?: boolean;
}

/** Forward through time, the head, and back through time. */
function differentiate(
  operations: Operations, { model, objective, head, keepsFlow = objective.omega > 0 }: WhatToDifferentiate, given: Pick<ForwardArguments, 'parameters' | 'inputs' | 'shape'>,
): Differentiated {
  const { parameters, inputs, shape } = given;
  const masked = objective.dropout > 0;
  const forward = runForward(operations, model, { ...given, masked });
  const ofHead = head.gradients(operations, parameters, forward.states, inputs);
  const mask = masked ? inputs.matrices[maskName(model.hidden.length)] : undefined;
  const dTop = topGradient(operations, objective, forward, ofHead.dStates, { inputs, mask });
  const gradients = backpropagateThroughTime(operations, forward.layers, dTop, { shape, truncation: objective.truncation, keepsFlow });
  return { forward, ofHead, gradients };
}

interface GradientArguments extends Differentiated {
  readonly model: ModelConfig;
  readonly objective: Objective;
  readonly parameters: Parameters;
  readonly inputs: ProgramInputs<Matrix, Ids>;
}

/** From the gradients of the pre-activations to those of the weights (`docs/math/bptt.md` equations 6 to 8). */
function parameterGradients(operations: Operations, { model, objective, parameters, inputs, forward, gradients, ofHead }: GradientArguments): Record<string, Matrix> {
  const result: Record<string, Matrix> = {};
  for (const [name, gradient] of Object.entries(ofHead.dParameters)) result[`d ${name}`] = gradient;
  forward.layers.forEach(({ layer, trace, read }, l) => {
    const { dProjected, dRecurrent } = gradients[l];
    const suffix = `_l${String(l)}`;
    result[`d rnn.weight_ih${suffix}`] = read === undefined
      ? operations.scatterAddRows(dProjected, inputs.ids['groups'])
      : operations.matMul(dProjected, read, { transposeA: true });
    const dHidden = layer.cell.hiddenGradient(operations, dRecurrent, { previous: previousStates(operations, trace), caches: trace.caches });
    result[`d rnn.weight_hh${suffix}`] = objective.omega > 0 ? operations.add(dHidden, omegaGradient(operations, gradients[l], inputs)) : dHidden;
    if (model.biases) {
      const dBias = operations.sumRows(dProjected);
      result[`d rnn.bias_ih${suffix}`] = dBias;
      result[`d rnn.bias_hh${suffix}`] = dRecurrent === dProjected ? dBias : operations.sumRows(dRecurrent);
    }
  });
  if (model.input === 'embedding') result['d encoder.weight'] = embeddingGradient(operations, { model, objective, parameters, inputs, gradients, ofHead });
  return result;
}

/** Rows by group; of a tied model all rows, with what the output layer sends. */
function embeddingGradient(operations: Operations, { model, objective, parameters, inputs, gradients, ofHead }: Omit<GradientArguments, 'forward'>): Matrix {
  const mask = objective.dropout > 0 ? inputs.matrices[maskName(0)] : undefined;
  const dEmbedded = inputGradient(operations, parameters['rnn.weight_ih_l0'], mask, gradients[0].dProjected);
  if (!model.tied) return operations.scatterAddRows(dEmbedded, inputs.ids['groups']);
  return operations.add(ofHead.dParameters['encoder.weight'], operations.scatterAddRows(dEmbedded, inputs.ids['inputs'], model.vocabulary));
}

function modelKey({ cell, activation, resetBefore, biases, input, hidden, tied, head }: ModelConfig): string {
  return `${cell} ${activation} ${resetBefore ? 'reset before ' : ''}${biases ? 'biases' : 'no biases'} ${input} ${hidden.join('-')} ${tied ? 'tied ' : ''}${JSON.stringify(head)}`;
}

function objectiveKey({ truncation, dropout, ar, tar, omega }: Objective): string {
  const parts = Object.entries({ dropout, ar, tar, omega }).filter(([, weight]) => weight > 0).map(([name]) => name);
  return [formatTruncation(truncation), ...parts].join(' ');
}

function shapeKey({ T, B }: SequenceShape): string {
  return `T ${String(T)} B ${String(B)}`;
}
