import { BpttError, createMicroshardComputer, initializeParameters, OBJECTIVE_DEFAULTS, scaleGradient, sgdStep, stream, type Backend, type Microshard } from '@bptt/core';
import { Unavailable, type Contender, type Entrant } from './contender.js';
import type { Workload } from './workload.js';

const SEED = 1;
const LEARNING_RATE = 0.005;

/** A backend of bptt on one thread. A step is forward, loss, backward, mean over the sentences, and SGD into a second buffer. */
export function backendEntrant(name: string, create: () => Backend, workload: Workload): Entrant {
  return {
    name,
    open() {
      return Promise.resolve().then(() => startBackend(name, openBackend(create), workload));
    },
  };
}

function openBackend(create: () => Backend): Backend {
  try {
    return create();
  } catch (error) {
    if (error instanceof BpttError && error.code === 'failed-precondition') throw new Unavailable(error.message, { cause: error });
    throw error;
  }
}

function startBackend(name: string, backend: Backend, workload: Workload): Contender {
  const { model, truncation } = workload;
  const computer = createMicroshardComputer({ backend, model, objective: { ...OBJECTIVE_DEFAULTS, truncation, reduction: 'sentenceSum' }, seed: SEED });
  const { layout } = computer;
  let parameters = initializeParameters(model, SEED);
  let next: Float32Array = new Float32Array(layout.size);
  let steps = 0;
  return {
    name,
    executes: `${backend.id} (${backend.executes})`,
    async step() {
      const microshard = randomSentences(workload, steps);
      steps += 1;
      const begin = performance.now();
      computer.setParameters(parameters);
      const { gradient, sequences } = await computer.gradient(microshard);
      if (gradient === undefined) throw new Error(`${name}: expected a gradient, got none`);
      scaleGradient(gradient, 1 / sequences);
      sgdStep({ layout, parameters, gradient, learningRate: LEARNING_RATE }, next);
      [parameters, next] = [next, parameters];
      return performance.now() - begin;
    },
    close() {
      backend.dispose();
      return Promise.resolve();
    },
  };
}

/** Sentences of random words; other ones for each step. */
function randomSentences({ model, T, B }: Workload, step: number): Microshard {
  const random = stream(SEED, 'benchmark sentences', step);
  const words = (offset: number): Int32Array => Int32Array.from({ length: T * B }, (_, i) => Math.floor(random.uniform(offset + i) * model.vocabulary));
  return { index: 0, T, B, inputs: words(0), targets: words(T * B), sequences: Int32Array.from({ length: B }, (_, b) => b) };
}
