// Prints what one gradient of an LSTM of 2 x 200 units costs (V 10000, B 20, T 35) and which operations take the time: lstm-step.mjs [rounds] [build], of the
// rounds the best counts. Build first: npm run build. `node --cpu-prof` also sees what lies outside the backend.
import { createMicroshardComputer, initializeParameters, MODEL_DEFAULTS, OBJECTIVE_DEFAULTS } from '@bptt/core';
import { simdBackend } from '@bptt/simd';

const [V, H, T, B] = [10_000, 200, 35, 20];
const ROUNDS = Number(process.argv[2] ?? 7);

const model = { ...MODEL_DEFAULTS, cell: 'lstm', input: 'embedding', vocabulary: V, embedding: H, hidden: [H, H] };
const objective = { ...OBJECTIVE_DEFAULTS, truncation: { kind: 'chunk', k: T } };
const words = Int32Array.from({ length: T * B }, (_, i) => (i * 7919) % V);
const microshard = { index: 0, T, B, inputs: words, targets: words.map((word) => (word * 31) % V), sequences: Int32Array.from({ length: B }, (_, b) => b) };

/** `backend`, which adds the milliseconds of every operation, by name, to `spent`. */
function timed(backend, spent) {
  const add = (name, ms) => { spent.set(name, (spent.get(name) ?? 0) + ms); };
  const timedOperations = (operations) => new Proxy(operations, {
    get(target, name) {
      const operation = target[name];
      return (...args) => {
        const start = performance.now();
        const result = operation.apply(target, args);
        add(name, performance.now() - start);
        return result;
      };
    },
  });
  return {
    setParameters(layout, values) {
      const start = performance.now();
      backend.setParameters(layout, values);
      add('setParameters', performance.now() - start);
    },
    async run(program, inputs) {
      let traced = 0;
      const start = performance.now();
      const result = await backend.run({
        key: program.key,
        trace(operations, ...rest) {
          const traceStart = performance.now();
          const outputs = program.trace(timedOperations(operations), ...rest);
          traced = performance.now() - traceStart;
          return outputs;
        },
      }, inputs);
      add('all operations', traced);
      add('run, besides operations', performance.now() - start - traced);
      return result;
    },
  };
}

const parameters = initializeParameters(model, 1);
let best = { ms: Infinity, spent: new Map() };
const backend = simdBackend({ build: process.argv[3] ?? 'simd' });
for (let round = 0; round < ROUNDS; round += 1) {
  const spent = new Map();
  const computer = createMicroshardComputer({ backend: timed(backend, spent), model, objective, seed: 1 });
  const start = performance.now();
  computer.setParameters(parameters);
  await computer.gradient(microshard);
  const ms = performance.now() - start;
  if (ms < best.ms) best = { ms, spent };
}
console.log(`${best.ms.toFixed(1)} ms a gradient, ${(T * B / best.ms * 1000).toFixed(0)} tokens/s, best of ${String(ROUNDS)}`);
for (const [name, ms] of [...best.spent].sort(([, a], [, b]) => b - a)) console.log(`${ms.toFixed(2).padStart(9)} ms  ${name}`);
