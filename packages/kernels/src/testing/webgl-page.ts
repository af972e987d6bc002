// Runs in a page of a browser, bundled by `gpu-webgl.test.ts`.
import { createMicroshardComputer, initializeParameters, referenceBackend, type Backend, type MicroshardComputer, type ModelConfig, type Objective } from '@bptt/core';
import { webGlAdapter, type Adapter } from '../adapter.js';
import { gpuBackend } from '../gpu-backend.js';

/** How far one output of a microshard is from the reference, as `||x - r|| / ||r||`. */
export interface Deviation {
  readonly of: string;
  readonly relative: number;
}

/** What the page found. */
export interface PageReport {
  readonly id: string;
  readonly executes: string;
  readonly adapter: Adapter;
  readonly deviations: readonly Deviation[];
}

/** One model with what is trained of it. */
export interface PageCase {
  readonly name: string;
  readonly model: ModelConfig;
  readonly objective: Objective;
}

/** Losses and gradients of one ragged microshard of every case, forward and backward on WebGL, beside the reference. */
export async function compareOnWebGl(cases: readonly PageCase[]): Promise<PageReport> {
  const adapter = webGlAdapter();
  const backend = gpuBackend({ mode: 'gpu', adapter });
  const deviations: Deviation[] = [];
  for (const one of cases) deviations.push(...await compare(one, backend));
  const { id, executes } = backend;
  backend.dispose();
  return { id, executes, adapter, deviations };
}

async function compare({ name, model, objective }: PageCase, backend: Backend): Promise<Deviation[]> {
  const options = { model, objective, seed: 1 };
  const got = await outputsOf(createMicroshardComputer({ ...options, backend }), model);
  const want = await outputsOf(createMicroshardComputer({ ...options, backend: referenceBackend({ precision: 'float32' }) }), model);
  return Object.entries(want).map(([output, values]) => ({ of: `${name}: ${output}`, relative: distance(got[output], values) }));
}

async function outputsOf(computer: MicroshardComputer, model: ModelConfig): Promise<Record<string, ArrayLike<number>>> {
  // Sentences of 3 and 2 words, time-major, padded with -1: few steps, since software compiles each of their programs of shaders.
  const [T, B] = [3, 2];
  const word = (i: number): number => (Math.floor(i / B) + (i % B) < T ? (i * 5 + 3) % model.vocabulary : -1);
  const ids = Array.from({ length: T * B }, (_, i) => word(i));
  computer.setParameters(initializeParameters(model, 1));
  const { lossSum, gradient } = await computer.gradient({
    index: 0, T, B, inputs: Int32Array.from(ids), targets: Int32Array.from(ids, (id) => (id === -1 ? -1 : (id + 1) % model.vocabulary)), sequences: Int32Array.from({ length: B }, (_, b) => b),
  });
  return { loss: [lossSum], 'dense gradient': gradient?.dense ?? [], ...Object.fromEntries((gradient?.sparse ?? []).map(({ values }, i) => [`rows of gradient ${String(i)}`, values])) };
}

function distance(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Infinity;
  let [error, size] = [0, 0];
  for (let i = 0; i < want.length; i += 1) {
    error += (got[i] - want[i]) * (got[i] - want[i]);
    size += want[i] * want[i];
  }
  return Math.sqrt(error / size);
}
