// Runs in a page of a browser, bundled by `gpu-webgl.test.ts`.
import { createMicroshardComputer, initializeParameters, modelMicroshard, type Backend, type FloatArray, type ModelConfig, type Objective } from '@bptt/core';
import { webGlAdapter, type Adapter } from '../adapter.js';
import { gpuBackend } from '../gpu-backend.js';

/** Loss and gradients of a microshard, by what they are. */
export type Outputs = Readonly<Record<string, FloatArray>>;

/** What the page found. */
export interface PageReport {
  readonly id: string;
  readonly executes: string;
  readonly adapter: Adapter;
  /** One for each case. */
  readonly outputs: readonly Outputs[];
}

/** One model with what is trained of it. */
export interface PageCase {
  readonly name: string;
  readonly model: ModelConfig;
  readonly objective: Objective;
}

/** Losses and gradients of every case, forward and backward on WebGL. */
export async function computeOnWebGl(cases: readonly PageCase[]): Promise<PageReport> {
  const adapter = webGlAdapter();
  const backend = gpuBackend({ mode: 'gpu', adapter });
  const outputs: Outputs[] = [];
  for (const one of cases) outputs.push(await outputsOf(one, backend));
  const { id, executes } = backend;
  backend.dispose();
  return { id, executes, adapter, outputs };
}

/** Of one ragged microshard, of few steps, since software compiles each of their programs of shaders. */
export async function outputsOf({ model, objective }: PageCase, backend: Backend): Promise<Outputs> {
  const computer = createMicroshardComputer({ backend, model, objective, seed: 1 });
  computer.setParameters(initializeParameters(model, 1));
  const { lossSum, gradient } = await computer.gradient(modelMicroshard(model, [3, 2]));
  if (gradient === undefined) throw new Error('no gradient');
  return { loss: Float64Array.of(lossSum), 'dense gradient': gradient.dense, ...Object.fromEntries(gradient.sparse.map(({ values }, i) => [`rows of gradient ${String(i)}`, values])) };
}
