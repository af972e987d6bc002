import { assert, createMicroshardComputer, createOptimizer, gradientBytes, initializeParameters, parameterLayout, restoresBest } from '@bptt/core';
import { createBackend } from '@bptt/worker';
import type { PreparedRun } from './prepare-run.js';

/** What a run will need. Bytes are those of the numbers themselves. */
export interface RunEstimate {
  /** Numbers that are trained. */
  readonly parameters: number;
  readonly parameterBytes: number;
  /** What the server holds: two buffers of parameters, the state of the optimiser, the average of `asgd`, the best of a `plateau`, and one gradient. */
  readonly serverBytes: number;
  /** A checkpoint on disk, but for its header and carried states. */
  readonly checkpointBytes: number;
  /** What a worker of a cluster pulls a step, and pushes for one microshard of the first batch. */
  readonly pulledBytes: number;
  readonly pushedBytes: number;
  /** Memory of this process after one thread computed one microshard in it; with more threads a process needs more. */
  readonly residentBytes: number;
  readonly steps: number;
  readonly stepsPerEpoch: number;
  /** Targets of the first batch. */
  readonly tokensPerStep: number;
  /** Median time of the largest microshard of the first batch. */
  readonly microshardMs: number;
  /** Of the whole run on `threads` threads: computing alone, without adding, updating, validation and checkpoints. */
  readonly seconds: number;
}

/** How often the microshard is timed. The first time is not counted: it compiles. */
const TIMINGS = 3;

/** Measures one microshard of a prepared run on this machine, and says what the whole will need. @param threads that compute at the same time */
export async function estimateRun({ server }: PreparedRun, { threads, nowMs = () => performance.now() }: { readonly threads: number; readonly nowMs?: () => number }): Promise<RunEstimate> {
  const { config, data, backendId, stepsTotal } = server;
  const { model, objective, seed, initialization, optimizer, schedule } = config;
  const parameterBytes = parameterLayout(model).size * Float32Array.BYTES_PER_ELEMENT;
  const batch = data.batch(0);
  const present = batch.microshards.filter((microshard) => microshard !== undefined);
  const largest = present.reduce((most, microshard) => (microshard.T * microshard.B > most.T * most.B ? microshard : most));
  const backend = (await createBackend(backendId)).create();
  try {
    const computer = createMicroshardComputer({ backend, model, objective, seed });
    computer.setParameters(initializeParameters(model, seed, initialization));
    const timesMs: number[] = [];
    let pushedBytes = 0;
    for (let timing = 0; timing <= TIMINGS; timing += 1) {
      const begin = nowMs();
      const { gradient } = await computer.gradient(largest, { batch: { step: 0, counts: batch.counts } });
      timesMs.push(nowMs() - begin);
      assert(gradient !== undefined, () => 'estimateRun: no gradient');
      pushedBytes = gradientBytes(gradient);
    }
    const microshardMs = timesMs.slice(1).sort((a, b) => a - b)[Math.floor(TIMINGS / 2)];
    const slots = createOptimizer(optimizer).slots.length;
    const averages = optimizer.name === 'asgd' ? 1 : 0;
    const best = restoresBest(schedule) ? 1 : 0;
    return {
      parameters: parameterLayout(model).size,
      parameterBytes,
      serverBytes: (2 + slots + averages + best) * parameterBytes + pushedBytes,
      checkpointBytes: (1 + slots + averages + best) * parameterBytes,
      pulledBytes: parameterBytes,
      pushedBytes,
      residentBytes: process.memoryUsage().rss,
      steps: stepsTotal,
      stepsPerEpoch: data.stepsPerEpoch,
      tokensPerStep: batch.counts.tokens,
      microshardMs,
      seconds: (stepsTotal * Math.ceil(present.length / threads) * microshardMs) / 1000,
    };
  } finally {
    backend.dispose();
  }
}
