import { createHash } from 'node:crypto';
import { addGradients, areFinite, assert, BpttError, decodeGradient, type ExplosionPolicy, type Gradient, type ModelConfig, type ParameterLayout, type TreeNode } from '@bptt/core';
import { floatsSha256, type Checkpoint } from './checkpoint-format.js';
import { writeCheckpoint } from './checkpoints.js';
import { TreeReduction } from './reduction.js';
import { applyStep, isFiniteGradient, type UpdateResult } from './update.js';

/** What the update thread is given at its start. */
export interface UpdateSettings {
  readonly model: ModelConfig;
  readonly runDirectory: string;
  /** The parameters of a step lie in the buffer `step % 2`. */
  readonly buffers: readonly [SharedArrayBuffer, SharedArrayBuffer];
}

/** A payload that has arrived. */
export interface Payload {
  readonly pushId: number;
  /** Gradient, then final states. */
  readonly bytes: Uint8Array;
  readonly gradientBytes: number;
  /** Of `bytes`, hex, where the transport has verified it; undefined where it is to be computed. */
  readonly sha256: string | undefined;
}

export interface UpdateRequest {
  /** Steps done before. */
  readonly step: number;
  readonly divisor: number;
  readonly clip: number;
  readonly learningRate: number;
  readonly policy: ExplosionPolicy;
}

/** The result of a step and the hash of the parameters after it, hex. */
export interface UpdateReply extends UpdateResult {
  readonly parametersSha256: string;
}

export type CheckpointRequest = Omit<Checkpoint, 'parameters'>;

/** Stands for the gradient of a node that is not finite. */
const NON_FINITE = 'non-finite';

/**
 * All heavy work of a server: verifies payloads, adds them along the tree, makes the parameters of the next step, writes checkpoints.
 * Runs in a thread of its own; every method blocks.
 */
export class UpdateEngine {
  readonly #layout: ParameterLayout;
  readonly #runDirectory: string;
  readonly #parameters: readonly [Float32Array, Float32Array];
  readonly #verified = new Map<number, Gradient>();
  #reduction: TreeReduction<Gradient | typeof NON_FINITE>;

  constructor(layout: ParameterLayout, { runDirectory, buffers }: Pick<UpdateSettings, 'runDirectory' | 'buffers'>) {
    this.#layout = layout;
    this.#runDirectory = runDirectory;
    this.#parameters = [new Float32Array(buffers[0]), new Float32Array(buffers[1])];
    this.#reduction = this.#newReduction([]);
  }

  /** Begins a batch. `empty[i]`: microshard i has nothing to compute. Payloads that were not adopted are forgotten. */
  open(empty: readonly boolean[]): void {
    this.#reduction = this.#newReduction(empty);
  }

  /**
   * Checks a payload and keeps its gradient until it is adopted or discarded. Returns the hash of its bytes, hex.
   * @throws BpttError `invalid-argument` where the bytes do not fit the layout or are not finite
   */
  verify({ pushId, bytes, gradientBytes, sha256 }: Payload): string {
    const gradient = decodeGradient(this.#layout, bytes.subarray(0, gradientBytes));
    if (!isFiniteGradient(gradient)) throw new BpttError('invalid-argument', 'gradient: a value is not finite, and the push has no non-finite flag');
    const states = new Float32Array(new Uint8Array(bytes.subarray(gradientBytes)).buffer);
    if (!areFinite(states)) throw new BpttError('invalid-argument', 'final states: a value is not finite, and the push has no non-finite flag');
    this.#verified.set(pushId, gradient);
    return sha256 ?? createHash('sha256').update(bytes).digest('hex');
  }

  /** Takes a verified gradient into the batch. */
  adopt(pushId: number, node: TreeNode): void {
    const gradient = this.#verified.get(pushId);
    assert(gradient !== undefined, () => `push ${String(pushId)} was not verified`);
    this.#verified.delete(pushId);
    this.#reduction.put(node, gradient);
  }

  /** Takes a node into the batch whose gradient is not finite. */
  adoptNonFinite(node: TreeNode): void {
    this.#reduction.put(node, NON_FINITE);
  }

  /** Forgets a verified gradient. */
  discard(pushId: number): void {
    this.#verified.delete(pushId);
  }

  /** Makes the parameters of `step + 1` from those of `step` and the complete batch. */
  update({ step, divisor, clip, learningRate, policy }: UpdateRequest): UpdateReply {
    const root = this.#reduction.root();
    assert(root !== undefined || divisor === 0, () => `step ${String(step)}: the batch is not complete`);
    const gradient = root === NON_FINITE ? undefined : root;
    const parameters = this.#at(step);
    const into = this.#at(step + 1);
    const result = applyStep({ layout: this.#layout, parameters, gradient, divisor, clip, learningRate, policy }, into);
    this.#reduction = this.#newReduction([]);
    return { ...result, parametersSha256: floatsSha256(into) };
  }

  /** Writes a checkpoint of the parameters of its step. Returns its path. */
  checkpoint(request: CheckpointRequest): string {
    return writeCheckpoint(this.#runDirectory, this.#layout, { ...request, parameters: this.#at(request.cursor.step) });
  }

  #at(step: number): Float32Array {
    return this.#parameters[step % 2];
  }

  #newReduction(empty: readonly boolean[]): TreeReduction<Gradient | typeof NON_FINITE> {
    return new TreeReduction(empty.length, (leaf) => empty[leaf], (left, right) =>
      left === NON_FINITE || right === NON_FINITE ? NON_FINITE : addGradients(this.#layout, left, right),
    );
  }
}
