import { assert, BpttError, shapeText, type HostMatrix, type Matrix, type Program } from '@bptt/core';
import { Input, type IPipelineRunShortcut, type KernelOutput, type OutputDimensions } from 'gpu.js';
import type { Device } from './device.js';
import { createKernelSet, type KernelSet } from './kernel-set.js';
import { TracedOperations } from './traced-operations.js';
import { TracedIds, TracedMatrix } from './tracer.js';

/** Everything that one run of a plan reads, by name. */
export interface PlanArguments {
  readonly parameters: Readonly<Record<string, HostMatrix>>;
  readonly matrices: Readonly<Record<string, HostMatrix>>;
  readonly ids: Readonly<Record<string, Int32Array>>;
}

/** Who executed a plan, as gpu.js says it. */
export interface Executor {
  /** `generic`, `fused-sync` or `fused-encoder`. */
  readonly kind: string;
  /** Why gpu.js did not fuse the steps of the plan; null where it did. */
  readonly fallbackReason: string | null;
}

/** A program compiled for fixed shapes. */
export interface Plan {
  /** Undefined before the first run, which decides it. */
  readonly executor: Executor | undefined;
  run(values: PlanArguments): Promise<Record<string, HostMatrix>>;
  dispose(): void;
}

/**
 * The shapes that a plan is compiled for, as text, in the order of the plan's arguments. gpu.js silently gives wrong answers where a plan
 * is called with others, so a plan is found by this text and checks it again before each run.
 */
export function planSignature({ parameters, matrices, ids }: PlanArguments): string {
  return [
    ...Object.entries(parameters).map(([name, matrix]) => `parameter ${name} ${checkedShape(name, matrix)}`),
    ...Object.entries(matrices).map(([name, matrix]) => `matrix ${name} ${checkedShape(name, matrix)}`),
    ...Object.entries(ids).map(([name, { length }]) => `ids ${name} [${String(length)}]`),
  ].join(', ');
}

/**
 * Compiles `program` into one `createPipeline` plan for the shapes of `like`. The plan owns `device` from here on. gpu.js compiles at the
 * first run.
 *
 * A plan returns all its matrices at once, as an object, so several results need no kernel maps (which plans refuse). Its arguments are
 * host arrays that are copied in at every run, parameters too: gpu.js fuses no plan whose argument stays on the device.
 */
export function compilePlan(device: Device, program: Program, like: PlanArguments): Plan {
  const signature = planSignature(like);
  const outline = outlineOf(program, like);
  const pipeline = device.gpu.createPipeline(withLength(outline.argumentCount, (...handles: KernelOutput[]) => {
    const { results } = trace(program, like, { kernels: createKernelSet(device.gpu), handles });
    return mapValues(results, ({ handle }) => handle);
  }), { threads: false });
  let executor: Executor | undefined;
  return {
    get executor() {
      return executor;
    },
    async run(values) {
      const given = planSignature(values);
      assert(given === signature, () => `plan of ${program.key}: compiled for ${signature}, got ${given}`);
      for (const [name, { limit }] of Object.entries(outline.ids)) assertIds(name, values.ids[name], limit);
      const results = await device.guard(() => pipeline(...argumentValues(values))) as Record<string, Float32Array[]>;
      assertExecuted(device, program, pipeline);
      executor = { kind: pipeline.executorKind, fallbackReason: pipeline.fallbackReason };
      return mapValues(outline.results, (shape, name) => hostMatrix(shape, results[name]));
    },
    dispose() {
      void device.gpu.destroy();
    },
  };
}

interface Trace {
  readonly ids: Readonly<Record<string, TracedIds>>;
  readonly results: Readonly<Record<string, TracedMatrix>>;
  readonly argumentCount: number;
}

/** What a plan will return and what it demands of ids, found by tracing without gpu.js. */
function outlineOf(program: Program, like: PlanArguments): Trace {
  return trace(program, like, { kernels: { call: () => undefined }, handles: [] });
}

/** Runs `program` over handles. A result that is an argument is copied, so that each result is written by a step. */
function trace(program: Program, like: PlanArguments, { kernels, handles }: { kernels: KernelSet; handles: readonly KernelOutput[] }): Trace {
  const operations = new TracedOperations(kernels);
  let argumentCount = 0;
  const matrix = ({ rows, columns }: HostMatrix): TracedMatrix => new TracedMatrix(rows, columns, handles[argumentCount++]);
  const parameters = mapValues(like.parameters, matrix);
  const matrices = mapValues(like.matrices, matrix);
  const ids = mapValues(like.ids, ({ length }) => new TracedIds(length, handles[argumentCount++]));
  const given = new Set<Matrix>([...Object.values(parameters), ...Object.values(matrices)]);
  const results = mapValues(program.trace(operations, parameters, { matrices, ids }), (result) => {
    assert(result instanceof TracedMatrix, () => `${program.key}: returned a matrix ${shapeText(result)} that is not of this plan`);
    return given.has(result) ? operations.copy(result) : result;
  });
  return { ids, results, argumentCount };
}

/** gpu.js takes the number of arguments from a function's `length`, which is 0 where the parameters are a rest. */
function withLength<F extends (...handles: KernelOutput[]) => unknown>(length: number, f: F): F {
  return Object.defineProperty(f, 'length', { value: length });
}

/** gpu.js goes on with another executor where its own declines; that would be another backend than the id says. */
function assertExecuted(device: Device, { key }: Program, { backend, executorKind, fallbackReason }: IPipelineRunShortcut): void {
  if (backend === device.kernelMode && executorKind === device.executorKind) return;
  const reason = fallbackReason ?? 'no reason given';
  throw new BpttError(/memory|bytes/i.test(reason) ? 'resource-exhausted' : 'failed-precondition',
    `${key}: expected a ${device.executorKind} plan of ${device.kernelClass}, got ${executorKind} on ${backend ?? 'no mode'}: ${reason}`);
}

/** The arguments of a plan, in the order of `trace`. */
function argumentValues({ parameters, matrices, ids }: PlanArguments): Input[] {
  return [
    ...[...Object.values(parameters), ...Object.values(matrices)].map(({ rows, columns, values }) => asInput(values, [columns, rows])),
    ...Object.values(ids).map((vector) => asInput(Float32Array.from(vector), [vector.length])),
  ];
}

/** Values as an argument of a plan. */
export function asInput(values: HostMatrix['values'], size: OutputDimensions): Input {
  // The types of gpu.js know plain arrays only; it reads typed ones, and faster.
  return new Input(unchanging(values) as unknown as number[], size);
}

/**
 * `values` such that gpu.js does not copy them first (`snapshotValue`, by `slice`), lest somebody change them before the plan has read them: a backend may rely on it that nobody
 * does (`Backend.run`).
 */
function unchanging(values: HostMatrix['values']): HostMatrix['values'] {
  const same = values.subarray();
  return Object.defineProperty(same, 'slice', { value: () => same });
}

/** What gpu.js returns as an array of rows. Where it has fused the plan they lie one behind the other in memory of their own, which is taken as it is. */
function hostMatrix({ rows, columns }: Matrix, rowArrays: readonly Float32Array[]): HostMatrix {
  const [{ buffer, byteOffset }] = rowArrays;
  const bytes = columns * Float32Array.BYTES_PER_ELEMENT;
  if (rowArrays.every((row, y) => row.buffer === buffer && row.byteOffset === byteOffset + y * bytes)) {
    return { rows, columns, values: new Float32Array(buffer, byteOffset, rows * columns) };
  }
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row += 1) values.set(rowArrays[row], row * columns);
  return { rows, columns, values };
}

function checkedShape(name: string, matrix: HostMatrix): string {
  const { rows, columns, values } = matrix;
  assert(values instanceof Float32Array, () => `${name}: the gpu.js backend computes in float32, got ${values.constructor.name}`);
  assert(values.length === rows * columns, () => `${name}: ${shapeText(matrix)} needs ${String(rows * columns)} values, got ${String(values.length)}`);
  return shapeText(matrix);
}

function assertIds(name: string, ids: Int32Array, limit: number): void {
  for (const id of ids) assert(id >= -1 && id < limit, () => `ids ${name}: expected ids in [-1, ${String(limit)}), got ${String(id)}`);
}

function mapValues<V, W>(record: Readonly<Record<string, V>>, f: (value: V, name: string) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value, name)]));
}
