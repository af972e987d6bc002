// Prints milliseconds a step of three ways to keep parameters where gradients are computed, measured in turn in the same run.
// Usage: node packages/kernels/bench/parameters.mjs [cpu|webasm|webgpu ...]. Build first: npm run build.
//   upload     one fused plan a step; parameters go in, the gradient comes out, SGD on the host: what the backend does
//   resident   the generic executor; parameters are handles of gpu.js, uploaded once. No update: it would come on top
//   unrolled   eight steps with their updates in one fused plan; parameters go in and out once
//   copies     a plan that reads one row of every parameter: what of `upload` is handing them over
import { createMicroshardComputer, gradientProgram, initializeParameters, matrixShape, MODEL_DEFAULTS, OBJECTIVE_DEFAULTS, parameterLayout, sgdStep, trainingInputs, viewTensor } from '@bptt/core';
import { openAdapter } from '../dist/adapter.js';
import { openDevice } from '../dist/device.js';
import { gpuBackend } from '../dist/gpu-backend.js';
import { createKernelSet } from '../dist/kernel-set.js';
import { asInput } from '../dist/plan.js';
import { TracedOperations } from '../dist/traced-operations.js';
import { TracedIds, TracedMatrix } from '../dist/tracer.js';

const MODEL = { ...MODEL_DEFAULTS, vocabulary: 2000, hidden: [100], biases: false };
const OBJECTIVE = OBJECTIVE_DEFAULTS;
const RATE = 0.005;
const STEPS = 8;
const ROUNDS = 5;
/** Words of a sentence, sentences. */
const SHAPES = [[20, 1], [20, 8]];

const layout = parameterLayout(MODEL);
const values = initializeParameters(MODEL, 1);

function microshardOf(T, B) {
  const word = (i) => 3 + ((i * 7919) % (MODEL.vocabulary - 3));
  return { index: 0, T, B, inputs: Int32Array.from({ length: T * B }, (_, i) => word(i)), targets: Int32Array.from({ length: T * B }, (_, i) => word(i + 1)), sequences: Int32Array.from({ length: B }, (_, b) => b) };
}

const hostMatrices = () => Object.fromEntries(layout.tensors.map((tensor) => [tensor.name, { ...matrixShape(tensor), values: viewTensor(values, tensor) }]));
const matrixInput = ({ rows, columns, values: data }) => asInput(data, [columns, rows]);

/** A plan over matrices and ids; `trace` gets them by name, and `lead` come first. */
function pipelineOf(device, matrices, ids, trace) {
  const names = Object.keys(matrices);
  const orchestrate = (...handles) => {
    const traced = Object.fromEntries(names.map((name, i) => [name, new TracedMatrix(matrices[name].rows, matrices[name].columns, handles[i])]));
    const tracedIds = Object.fromEntries(Object.keys(ids).map((name, i) => [name, new TracedIds(ids[name].length, handles[names.length + i])]));
    const results = trace(new TracedOperations(createKernelSet(device.gpu)), traced, tracedIds);
    return Object.fromEntries(Object.entries(results).map(([name, { handle }]) => [name, handle]));
  };
  Object.defineProperty(orchestrate, 'length', { value: names.length + Object.keys(ids).length });
  return device.gpu.createPipeline(orchestrate, { threads: false });
}

const idInputs = (ids) => Object.values(ids).map((vector) => asInput(Float32Array.from(vector), [vector.length]));
const split = (all) => ({ parameters: Object.fromEntries(layout.tensors.map(({ name }) => [name, all[name]])), rest: Object.fromEntries(Object.entries(all).filter(([name]) => !layout.tensors.some((tensor) => tensor.name === name))) });

function uploadWay(mode, adapter, microshard) {
  const computer = createMicroshardComputer({ backend: gpuBackend({ mode, adapter }), model: MODEL, objective: OBJECTIVE, seed: 1 });
  let [now, next] = [values.slice(), new Float32Array(values.length)];
  return async () => {
    for (let step = 0; step < STEPS; step += 1) {
      computer.setParameters(now);
      const { gradient } = await computer.gradient(microshard);
      sgdStep({ layout, parameters: now, gradient, learningRate: RATE }, next);
      [now, next] = [next, now];
    }
  };
}

async function residentWay(mode, adapter, microshard) {
  const device = openDevice(mode, adapter);
  const { rows: _, ...inputs } = trainingInputs({ model: MODEL, objective: OBJECTIVE, seed: 1 }, microshard, {});
  const matrices = { ...hostMatrices(), ...inputs.matrices };
  const program = gradientProgram(MODEL, OBJECTIVE, microshard);
  const pipeline = pipelineOf(device, matrices, inputs.ids, (operations, all, ids) => {
    const { parameters, rest } = split(all);
    return program.trace(operations, parameters, { matrices: rest, ids });
  });
  const given = [];
  for (const [name, matrix] of Object.entries(matrices)) {
    if (!(name in hostMatrices())) { given.push(matrixInput(matrix)); continue; }
    const keep = device.gpu.createKernel('function keep(a) { return a[this.thread.y][this.thread.x]; }', { output: [matrix.columns, matrix.rows], precision: 'single', pipeline: true, immutable: true });
    given.push(await keep(matrixInput(matrix)));
  }
  const run = async () => { for (let step = 0; step < STEPS; step += 1) await pipeline(...given, ...idInputs(inputs.ids)); };
  await run();
  return { run, note: `${pipeline.executorKind}: ${pipeline.fallbackReason}` };
}

function unrolledWay(mode, adapter, microshard) {
  const device = openDevice(mode, adapter);
  const { rows, ...inputs } = trainingInputs({ model: MODEL, objective: OBJECTIVE, seed: 1 }, microshard, {});
  const rate = { rows: 1, columns: 1, values: Float32Array.of(RATE) };
  const matrices = { ...hostMatrices(), ...inputs.matrices, rate };
  const program = gradientProgram(MODEL, OBJECTIVE, microshard);
  // Which row of the table each row of a sparse gradient is; the rest of its rows are none.
  const places = Int32Array.from({ length: microshard.T * microshard.B }, (_, i) => rows[i] ?? -1);
  const pipeline = pipelineOf(device, matrices, { ...inputs.ids, places }, (operations, all, ids) => {
    let { parameters, rest } = split(all);
    let losses;
    for (let step = 0; step < STEPS; step += 1) {
      const gradients = program.trace(operations, parameters, { matrices: rest, ids });
      losses = gradients.losses;
      parameters = Object.fromEntries(Object.entries(parameters).map(([name, w]) => {
        const d = gradients[`d ${name}`];
        const whole = d.rows === w.rows ? d : operations.scatterAddRows(d, ids.places, w.rows);
        return [name, operations.subtract(w, operations.scale(whole, all.rate))];
      }));
    }
    return { losses, ...parameters };
  });
  const given = [...Object.values(matrices).map(matrixInput), ...idInputs({ ...inputs.ids, places })];
  return async () => { await pipeline(...given); };
}

function copiesWay(mode, adapter) {
  const matrices = hostMatrices();
  const pipeline = pipelineOf(openDevice(mode, adapter), matrices, {}, (operations, all) => Object.fromEntries(Object.entries(all).map(([name, matrix]) => [name, operations.rows(matrix, 0, 1)])));
  return async () => { for (let step = 0; step < STEPS; step += 1) await pipeline(...Object.values(hostMatrices()).map(matrixInput)); };
}

for (const mode of process.argv.length > 2 ? process.argv.slice(2) : ['webasm', 'cpu']) {
  const adapter = mode === 'webgpu' ? await openAdapter() : undefined;
  for (const [T, B] of SHAPES) {
    const microshard = microshardOf(T, B);
    const resident = await residentWay(mode, adapter, microshard);
    const ways = [['upload', uploadWay(mode, adapter, microshard)], ['resident', resident.run], ['unrolled', unrolledWay(mode, adapter, microshard)], ['copies', copiesWay(mode, adapter)]];
    const bestMs = ways.map(() => Infinity);
    const firstMs = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const [i, [, run]] of ways.entries()) {
        const begin = performance.now();
        await run();
        const ms = (performance.now() - begin) / STEPS;
        if (round === 0) firstMs.push(ms * STEPS);
        else bestMs[i] = Math.min(bestMs[i], ms);
      }
    }
    console.log(`${mode} ${T} words of ${B} sentences: ${ways.map(([name], i) => `${name} ${bestMs[i].toFixed(2)} ms (first ${STEPS} steps ${firstMs[i].toFixed(0)} ms)`).join(', ')}; resident runs ${resident.note}`);
  }
}
process.exit(0);
