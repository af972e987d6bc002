// Prints where the time of a training step in webgpu mode goes, for the models of `npm run bench`: gradients alone, no states carried. Usage: node packages/kernels/bench/steps.mjs [workload ...]. Build first: npm run build.
//   prepare   until the commands are handed over: ids, arguments copied, passes encoded
//   device    until the results can be read: upload, passes, download
//   collect   until the gradient lies where the computer wants it
import { createMicroshardComputer, gradientBytesBounds, initializeParameters, MODEL_DEFAULTS, OBJECTIVE_DEFAULTS } from '@bptt/core';
import * as gpuJs from 'gpu.js';
import { openAdapter } from '../dist/adapter.js';
import { gpuBackend } from '../dist/gpu-backend.js';

const STEPS = 12;
const MAP_READ = 0x1;

const tutorial = { ...MODEL_DEFAULTS, biases: false };
const units = (cell, width, layers, more) => ({ ...MODEL_DEFAULTS, cell, input: 'embedding', embedding: width, hidden: Array.from({ length: layers }, () => width), ...more });
const adaptive = { kind: 'adaptive', cutoffs: [1000, 4000], divValue: 4 };
const window = { kind: 'window', k: 4 };
const full = { kind: 'full' };
const WORKLOADS = {
  'tutorial window:4': [tutorial, window, 20, 1], 'tutorial full': [tutorial, full, 20, 1],
  'tutorial-32 window:4': [tutorial, window, 20, 32], 'tutorial-32 full': [tutorial, full, 20, 32],
  'gru-256': [units('gru', 256, 1, { vocabulary: 5000 }), full, 32, 32],
  'lstm-200': [units('lstm', 200, 2, { vocabulary: 10000 }), full, 35, 20],
  'lstm-200-adaptive': [units('lstm', 200, 2, { vocabulary: 10000, head: adaptive }), full, 35, 20],
  'lstm-650': [units('lstm', 650, 2, { vocabulary: 10000 }), full, 35, 20],
};

const adapter = await openAdapter();
console.log(JSON.stringify(adapter));
const { device } = await gpuJs.WebGPUContext.acquire();
console.log(`limits: ${String(device.limits.maxStorageBufferBindingSize)} bytes a binding, ${String(device.limits.maxComputeInvocationsPerWorkgroup)} threads a workgroup`);

/** When the last commands were handed over, when their results could be read, and how many passes they were. */
const marks = { submitted: 0, mapped: 0, passes: 0 };
let passes = 0;
const { queue } = device;
const submit = queue.submit.bind(queue);
queue.submit = (commands) => { submit(commands); Object.assign(marks, { submitted: performance.now(), passes }); passes = 0; };
const createCommandEncoder = device.createCommandEncoder.bind(device);
device.createCommandEncoder = (...given) => {
  const encoder = createCommandEncoder(...given);
  const beginComputePass = encoder.beginComputePass.bind(encoder);
  encoder.beginComputePass = (...more) => { passes += 1; return beginComputePass(...more); };
  return encoder;
};
const createBuffer = device.createBuffer.bind(device);
device.createBuffer = (description) => {
  const buffer = createBuffer(description);
  if ((description.usage & MAP_READ) === 0) return buffer;
  const mapAsync = buffer.mapAsync.bind(buffer);
  buffer.mapAsync = (...given) => mapAsync(...given).then((result) => { marks.mapped = performance.now(); return result; });
  return buffer;
};

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

async function measure(name) {
  const [model, truncation, T, B] = WORKLOADS[name];
  const backend = gpuBackend({ mode: 'webgpu', adapter });
  const computer = createMicroshardComputer({ backend, model, objective: { ...OBJECTIVE_DEFAULTS, truncation }, seed: 1 });
  computer.setParameters(initializeParameters(model, 1));
  const word = (i) => 3 + ((i * 7919) % (model.vocabulary - 3));
  const ids = (offset) => Int32Array.from({ length: T * B }, (_, i) => word(i + offset));
  const microshard = { index: 0, T, B, inputs: ids(0), targets: ids(1), sequences: Int32Array.from({ length: B }, (_, b) => b) };
  const into = new Uint8Array(gradientBytesBounds(computer.layout)[1]);
  const parts = { prepare: [], device: [], collect: [], whole: [] };
  let firstMs;
  for (let step = 0; step <= STEPS; step += 1) {
    const begin = performance.now();
    await computer.gradient(microshard, {}, into);
    const end = performance.now();
    if (step === 0) { firstMs = end - begin; continue; }
    parts.prepare.push(marks.submitted - begin);
    parts.device.push(marks.mapped - marks.submitted);
    parts.collect.push(end - marks.mapped);
    parts.whole.push(end - begin);
  }
  backend.dispose();
  const text = Object.entries(parts).map(([part, ms]) => `${part} ${median(ms).toFixed(2)}`).join(', ');
  console.log(`${name}: ms ${text}; fastest ${Math.min(...parts.whole).toFixed(2)}; ${(T * B * 1e3 / median(parts.whole)).toFixed(0)} tokens/s; ${String(marks.passes)} passes; first ${firstMs.toFixed(0)} ms`);
}

for (const name of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(WORKLOADS)) await measure(name);
process.exit(0);
