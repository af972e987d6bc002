import { clipGradient, createMicroshardComputer, gradientBytesBounds, initializeParameters, OBJECTIVE_DEFAULTS, sgdStep, type Backend, type Microshard, type Workspace } from '@bptt/core';
import { createThreadMemory, openThreadMemory } from '@bptt/simd';
import type { StepWork } from './step-server.js';
import type { Workload } from './workload.js';
import { zipfSource } from './zipf.js';

const SEED = 1;
const LEARNING_RATE = 0.005;

/**
 * Training steps of a backend on one thread, the whole batch as one microshard: parameters set, forward, loss, backward, mean over the sequences, norm of the
 * gradient and clipping where the workload clips, and SGD; in place, as PyTorch does it, and in memory of the backend where it has some. Elsewhere
 * gradients are normed and parameters updated as the parameter server does it, with simd.
 */
export function trainingSteps(backend: Backend, workload: Workload): StepWork {
  const { model, truncation, clip: threshold, carried } = workload;
  const computer = createMicroshardComputer({ backend, model, objective: { ...OBJECTIVE_DEFAULTS, truncation, reduction: 'sentenceSum' }, seed: SEED });
  const { layout } = computer;
  const words = wordSource(workload);
  const [, gradientBytesMax] = gradientBytesBounds(layout);
  const { allocate, arithmetic } = backend.workspace ?? serverMemory(layout.size * Float32Array.BYTES_PER_ELEMENT + gradientBytesMax);
  const parameters = allocate(layout.size);
  parameters.set(initializeParameters(model, SEED));
  const gradientFloats = allocate(gradientBytesMax / Float32Array.BYTES_PER_ELEMENT);
  const into = new Uint8Array(gradientFloats.buffer, gradientFloats.byteOffset, gradientFloats.byteLength);
  let initialStates: Float32Array | undefined;
  return {
    executes: `${backend.id} (${backend.executes})`,
    async step() {
      const microshard = words();
      const begin = performance.now();
      computer.setParameters(parameters);
      const { gradient, sequences, finalStates } = await computer.gradient(microshard, { initialStates }, into);
      if (gradient === undefined) throw new Error(`${backend.id}: expected a gradient, got none`);
      const factors = threshold === undefined ? { mean: Math.fround(1 / sequences), clip: 1 } : clipGradient(gradient, sequences, { kind: 'norm', threshold }, arithmetic).factors;
      const isFinite = sgdStep({ layout, parameters, gradient, factors, learningRate: LEARNING_RATE }, parameters, arithmetic.descend.sgd);
      if (!isFinite) throw new Error(`${backend.id}: expected finite parameters after a step, got some that are not`);
      if (carried) initialStates = finalStates;
      return performance.now() - begin;
    },
    close: () => { backend.dispose(); },
  };
}

/** Memory as the parameter server has it, with the arithmetic of simd. */
function serverMemory(bytes: number): Workspace {
  return openThreadMemory(createThreadMemory(bytes).shared);
}

/** Batches of words by Zipf's law, another one at each call. */
function wordSource({ model, T, B }: Pick<Workload, 'model' | 'T' | 'B'>): () => Microshard {
  const words = zipfSource(model.vocabulary, T * B, SEED);
  const sequences = Int32Array.from({ length: B }, (_, b) => b);
  return () => ({ index: 0, T, B, inputs: words(), targets: words(), sequences });
}
