import {
  addGradients, assert, averageIterate, BpttError, createOptimizer, decodeGradient, denseSize,
  type Clip, type ExplosionPolicy, type Gradient, type ModelConfig, type Optimizer, type OptimizerConfig, type ParameterLayout, type TreeNode,
} from '@bptt/core';
import { bytesOf, floatsOf, writeShared } from '@bptt/rpc';
import type { SharedMemory } from '@bptt/simd';
import { floatsSha256, type Checkpoint } from './checkpoint-format.js';
import { writeBest, writeCheckpoint } from './checkpoints.js';
import { AVERAGE_BUFFER } from './parameter-sets.js';
import { TreeReduction } from './reduction.js';
import { updateMemory, type UpdateMemory } from './update-memory.js';
import { applyStep, type UpdateResult } from './update.js';

/** What the update thread is given at its start. */
export interface UpdateSettings {
  readonly model: ModelConfig;
  readonly optimizer: OptimizerConfig;
  readonly runDirectory: string;
  /** Memory of the kernels, in which buffers and payloads lie; undefined where they lie in ordinary shared memory. */
  readonly memory: SharedMemory | undefined;
  /** Two for iterates in turn, and one for their average where the optimiser averages. The one to begin with, and the average, are filled. */
  readonly buffers: readonly Float32Array[];
  /** Slots of the optimiser, by name. */
  readonly slots: Readonly<Record<string, Float32Array>>;
  /** Parameters of the best validation so far, where there is one. */
  readonly best: Float32Array | undefined;
  /** Whether the schedule may go back to them. */
  readonly restoresBest: boolean;
}

/** A payload that has arrived. */
export interface Payload {
  readonly pushId: number;
  /** Where it is: gradient, then final states; from a multiple of 4 on. */
  readonly from: Uint8Array;
  /** Where it goes, which may be the same; of the same length, from a multiple of 4 on too. */
  readonly bytes: Uint8Array;
  readonly gradientBytes: number;
}

export interface UpdateRequest {
  /** Buffer of the parameters before the step. */
  readonly from: number;
  /** Buffer of the parameters after it. */
  readonly into: number;
  /** Steps of the optimiser before. */
  readonly updates: number;
  /** Iterates that are in the average; undefined where none is being made. */
  readonly iteratesAveraged: number | undefined;
  readonly divisor: number;
  readonly clip: Clip;
  readonly learningRate: number;
  readonly policy: ExplosionPolicy;
  /** Whether the hash of the parameters is wanted. */
  readonly hashes: boolean;
}

/** The result of a step and, where it is wanted, the hash of the parameters after it, hex. */
export interface UpdateReply extends UpdateResult {
  readonly parametersSha256: string | undefined;
}

/** What a checkpoint is made of that the engine does not have. */
export interface CheckpointRequest extends Pick<Checkpoint, 'origin' | 'cursor' | 'states' | 'parametersSha256'> {
  /** Buffer of what the next step starts from. */
  readonly iterate: number;
  /** Whether the run is judged by the average. */
  readonly averaged: boolean;
}

/** In which rows of row-sparse tensors the buffer of an earlier step differs from that of the last one; nobody else has written to either. */
interface BufferDifference {
  readonly earlier: number;
  readonly last: number;
  readonly rows: readonly Uint32Array[];
}

/** A gradient, and the sum of the squares of its dense part where it is known. */
interface MeasuredGradient extends Gradient {
  readonly denseSquares?: number;
}

/** Stands for the gradient of a node that is not finite. */
const NON_FINITE = 'non-finite';

/**
 * All heavy work of a server: takes payloads in and checks them, adds them along the tree, makes the parameters of the next step, writes checkpoints.
 * Runs in a thread of its own; every method blocks.
 */
export class UpdateEngine {
  readonly #layout: ParameterLayout;
  readonly #place: UpdateMemory;
  readonly #runDirectory: string;
  readonly #optimizer: Optimizer;
  readonly #buffers: readonly Float32Array[];
  readonly #restoresBest: boolean;
  readonly #denseSize: number;
  readonly #received = new Map<number, MeasuredGradient>();
  #reduction: TreeReduction<MeasuredGradient | typeof NON_FINITE>;
  #slots: readonly Float32Array[];
  /** Where the next step writes its slots. */
  #spareSlots: readonly Float32Array[];
  #best: Float32Array | undefined;
  #difference: BufferDifference | undefined;

  constructor(layout: ParameterLayout, { runDirectory, memory, optimizer, buffers, slots, best, restoresBest }: Omit<UpdateSettings, 'model'>) {
    this.#layout = layout;
    this.#denseSize = denseSize(layout);
    this.#place = updateMemory(memory);
    this.#runDirectory = runDirectory;
    this.#optimizer = createOptimizer(optimizer, this.#place.arithmetic);
    this.#buffers = buffers.map((buffer) => this.#place.floats(buffer));
    this.#slots = this.#optimizer.slots.map((name) => this.#place.copy(slots[name]));
    this.#spareSlots = this.#slots.map((slot) => this.#place.copy(slot));
    this.#best = best;
    this.#restoresBest = restoresBest;
    this.#reduction = this.#newReduction([]);
  }

  /** Begins a batch. `empty[i]`: microshard i has nothing to compute. Payloads that were not adopted are forgotten. */
  open(empty: readonly boolean[]): void {
    this.#reduction = this.#newReduction(empty);
  }

  /**
   * Checks a payload and keeps its gradient, whose memory is then `bytes`, until it is adopted or discarded. Returns the fingerprint of the payload. Where it throws, nothing is kept.
   * @throws BpttError `invalid-argument` where the bytes do not fit the layout or are not finite
   */
  receive({ pushId, from, bytes, gradientBytes }: Payload): string {
    const payload = this.#place.bytes(bytes);
    // Ids and counts of rows, which lie between the values, are finite as floats too: there are fewer rows than that takes.
    const received = this.#place.arithmetic.receive(floatsOf(this.#place.bytes(from)), floatsOf(payload), Math.min(this.#denseSize, gradientBytes / Float32Array.BYTES_PER_ELEMENT));
    if (received === undefined) throw new BpttError('invalid-argument', 'payload: a value is not finite, and the push has no non-finite flag');
    const gradient = decodeGradient(this.#layout, payload.subarray(0, gradientBytes));
    this.#received.set(pushId, { ...gradient, denseSquares: received.sumOfSquares });
    return received.fingerprint;
  }

  /** Takes a received gradient into the batch, which reads and writes its memory until the next `update` or `open` is done. */
  adopt(pushId: number, node: TreeNode): void {
    const gradient = this.#received.get(pushId);
    assert(gradient !== undefined, () => `push ${String(pushId)} was not received`);
    this.#received.delete(pushId);
    this.#reduction.put(node, gradient);
  }

  /** Takes a node into the batch whose gradient is not finite. */
  adoptNonFinite(node: TreeNode): void {
    this.#reduction.put(node, NON_FINITE);
  }

  /** Forgets a received gradient. */
  discard(pushId: number): void {
    this.#received.delete(pushId);
  }

  /** Makes the next parameters from the complete batch. */
  update({ from, into, iteratesAveraged, hashes, ...request }: UpdateRequest): UpdateReply {
    const root = this.#reduction.root();
    assert(root !== undefined || request.divisor === 0, () => `update ${String(request.updates)}: the batch is not complete`);
    const [gradient, denseSquares] = root === NON_FINITE || root === undefined ? [] : [this.#place.settle(root), root.denseSquares];
    const parameters = this.#buffers[into];
    const step = { ...request, arithmetic: this.#place.arithmetic, layout: this.#layout, optimizer: this.#optimizer, parameters: this.#buffers[from], slots: this.#slots, gradient, denseSquares };
    const isKnown = this.#difference?.last === from && this.#difference.earlier === into;
    const result = applyStep(step, { parameters, slots: this.#spareSlots, staleRows: isKnown ? this.#difference?.rows : undefined });
    this.#reduction = this.#newReduction([]);
    this.#difference = undefined;
    if (result.outcome === 'updated') {
      // The ids lie in memory of a payload, which others will write.
      if (gradient !== undefined) this.#difference = { earlier: from, last: into, rows: gradient.sparse.map(({ rows }) => rows.slice()) };
      [this.#slots, this.#spareSlots] = [this.#spareSlots, this.#slots];
      if (iteratesAveraged !== undefined) averageIterate(this.#buffers[AVERAGE_BUFFER], parameters, iteratesAveraged, this.#place.arithmetic);
    }
    return { ...result, parametersSha256: hashes ? floatsSha256(parameters) : undefined };
  }

  /** Writes the parameters in a buffer to a shared file of this process. @throws BpttError `resource-exhausted` where there is no room */
  place(buffer: number, descriptor: number, version: number): void {
    writeShared(descriptor, version, bytesOf(this.#buffers[buffer]));
  }

  /** The hash of the parameters in a buffer, hex. */
  sha256(buffer: number): string {
    return floatsSha256(this.#buffers[buffer]);
  }

  /** Keeps the parameters that were validated as the best so far, as a file and, where the schedule may go back to them, in memory. Returns the path. */
  keepBest({ iterate, averaged, ...rest }: CheckpointRequest): string {
    const parameters = this.#buffers[averaged ? AVERAGE_BUFFER : iterate];
    if (this.#restoresBest) this.#best = parameters.slice();
    return writeBest(this.#runDirectory, this.#layout, { ...rest, parameters, iterate: undefined, slots: {}, best: undefined, states: [] });
  }

  /** Writes the best parameters into a buffer; the optimiser starts anew. */
  restoreBest(into: number): void {
    assert(this.#best !== undefined, () => 'there are no best parameters yet');
    this.#buffers[into].set(this.#best);
    this.#difference = undefined;
    for (const slot of this.#slots) slot.fill(0);
  }

  /** Writes a checkpoint. Returns its path. */
  checkpoint({ iterate, averaged, ...rest }: CheckpointRequest): string {
    return writeCheckpoint(this.#runDirectory, this.#layout, {
      ...rest,
      parameters: this.#buffers[averaged ? AVERAGE_BUFFER : iterate],
      iterate: averaged ? this.#buffers[iterate] : undefined,
      slots: Object.fromEntries(this.#optimizer.slots.map((name, i) => [name, this.#slots[i]])),
      best: this.#best,
    });
  }

  /** Sums are written into the dense part of their left side: memory of a payload that has arrived, and no new one. */
  #newReduction(empty: readonly boolean[]): TreeReduction<MeasuredGradient | typeof NON_FINITE> {
    return new TreeReduction(empty.length, (leaf) => empty[leaf], (left, right) =>
      left === NON_FINITE || right === NON_FINITE ? NON_FINITE : addGradients(this.#layout, left, right, left.dense, this.#place.arithmetic),
    );
  }
}
