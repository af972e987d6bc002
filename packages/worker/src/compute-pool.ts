import { assert, childrenOf, countTargets, gradientBytesBounds, parameterLayout, stateSize, type BatchContext, type Microshard, type NonFiniteLocation, type TreeNode } from '@bptt/core';
import { BlockPool, createCrewBoard, createThreadMemory, type ThreadMemory } from '@bptt/simd';
import { unlessAborted } from './backoff.js';
import { createJobQueue, RESTARTS_MAX, type JobGroup, type JobQueue } from './job-queue.js';
import { NodeMemory } from './node-memory.js';
import { startComputeThread, type ComputeThread } from './thread-handle.js';
import type { AddJob, ComputeSettings, EncodedGradient, MicroshardJob, MicroshardOutcome } from './thread-protocol.js';

/** Threads of one pool. */
const THREADS_MAX = 1024;
/** Microshards of one node, and so the longest queue of jobs. */
export const NODE_WIDTH_MAX = 4096;

export interface ComputePoolSettings extends Omit<ComputeSettings, 'memory' | 'share'> {
  /** Microshards computed at the same time. */
  readonly threads: number;
  /** Memory of a server in this process, in which its parameters lie. The pool works there too where there is room. Default: memory of its own. */
  readonly memory?: ThreadMemory | undefined;
}

/** One microshard of a node, with the state that is carried into it. */
export interface MicroshardWork {
  readonly microshard: Microshard;
  /** In the order of `carryParts` of core; zeros where undefined. */
  readonly initialStates: Float32Array | undefined;
}

/** A node of the canonical tree to compute. */
export interface NodeWork {
  readonly kind: 'gradient' | 'evaluate';
  readonly node: TreeNode;
  /** Microshards of the node, ascending; one that is absent, or outside of stream mode without targets, counts as the identity of the sum. */
  readonly microshards: readonly MicroshardWork[];
  /** The batch that the node is a part of; undefined for an evaluation. */
  readonly batch: BatchContext | undefined;
  /**
   * All parameters, over a SharedArrayBuffer; read without a copy where they lie in memory of the pool. The same object for the same parameters: a thread
   * reads each object once. They must not change meanwhile.
   */
  readonly parameters: Float32Array;
}

/** What a node of the tree sums up to. */
export interface NodeResult {
  /** Nats; float64 sums of microshards added along the canonical tree. */
  readonly lossSum: number;
  readonly tokens: number;
  readonly sequences: number;
  /**
   * Over a SharedArrayBuffer: the encoded gradient, then, where states are carried, the final states of the microshards, in order: also of
   * those without targets, whose states go on. Empty after an evaluation and where the result is not finite.
   */
  readonly payload: Uint8Array;
  readonly gradientBytes: number;
  readonly stateBytes: number;
  /** Where the first microshard whose loss or gradient is not finite exploded. */
  readonly nonFinite: NonFiniteLocation | undefined;
  /** Gives the memory of the payload back to the pool, once; nobody may read it afterwards. Without it the memory is not used again. */
  release(): void;
}

/** N threads that compute the microshards of a node at the same time and add them along the canonical tree. */
export interface ComputePool {
  readonly threads: number;
  /** What really executes, as the backend says it. */
  readonly executes: string;
  /** Microshards computed since the pool was made. */
  readonly microshardsDone: number;
  /** Memory of the pool for parameters, a block for a set. */
  readonly parameterBlocks: BlockPool;
  /**
   * Computes a node. The bits of the result do not depend on the number of threads.
   * @throws BpttError with the code of the failure; `internal` where a thread died; `cancelled` where `signal` is aborted first
   */
  compute(work: NodeWork, signal?: AbortSignal): Promise<NodeResult>;
  /** Ends all threads; work under way is rejected. */
  dispose(): Promise<void>;
}

/**
 * Starts the threads of a pool and waits until each has its backend.
 * @param start starts one thread
 * @throws BpttError `failed-precondition` where this machine lacks the backend
 */
export async function createComputePool(settings: ComputePoolSettings, start: typeof startComputeThread = startComputeThread): Promise<ComputePool> {
  const { threads } = settings;
  assert(Number.isInteger(threads) && threads >= 1 && threads <= THREADS_MAX, () => `threads: expected 1 to ${String(THREADS_MAX)}, got ${String(threads)}`);
  const layout = parameterLayout(settings.model);
  const [, gradientBytesMax] = gradientBytesBounds(layout);
  const parameterBytes = layout.size * Float32Array.BYTES_PER_ELEMENT;
  const bytes = (threads + SUMS_WAITING) * gradientBytesMax + PARAMETER_SETS * parameterBytes;
  const memory = settings.memory?.reserve(bytes) === true ? settings.memory : createThreadMemory(bytes);
  const { shared, share, allocateBytes: allocate, holds: isInMemory } = memory;
  const board = threads > 1 && share !== undefined ? createCrewBoard(threads + RESTARTS_MAX) : undefined;
  let places = 0;
  const startOne = (): Promise<ComputeThread> => {
    const crew = board && { board, place: places++ };
    return start({ ...settings, memory: shared, share: share && { ...share, crew } });
  };
  const queue = createJobQueue(await startAll(threads, startOne), startOne);
  const blocks = new BlockPool(gradientBytesMax, { allocate });
  let microshardsDone = 0;
  const onMicroshard = (): void => {
    microshardsDone += 1;
  };
  return {
    threads,
    executes: queue.executes,
    parameterBlocks: new BlockPool(parameterBytes, { allocate }),
    get microshardsDone() {
      return microshardsDone;
    },
    async compute(work, signal) {
      const stop = new AbortController();
      const abort = (): void => { stop.abort(); };
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted === true) abort();
      const ofNode = new NodeMemory(blocks);
      try {
        return await unlessAborted(computeNode({ queue, memory: ofNode, gradientBytesMax, isInMemory, settings, onMicroshard }, work, stop.signal), stop.signal);
      } catch (error) {
        // What is still queued for this node is given up.
        abort();
        void ofNode.abandon();
        throw error;
      } finally {
        signal?.removeEventListener('abort', abort);
      }
    },
    dispose: () => queue.dispose(),
  };
}

async function startAll(threads: number, start: () => Promise<ComputeThread>): Promise<ComputeThread[]> {
  const started = await Promise.allSettled(Array.from({ length: threads }, start));
  const running = started.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
  const failed = started.find((result) => result.status === 'rejected');
  if (failed === undefined) return running;
  await Promise.all(running.map((thread) => thread.terminate()));
  throw failed.reason;
}

interface PoolParts {
  readonly queue: JobQueue;
  readonly memory: NodeMemory;
  readonly gradientBytesMax: number;
  readonly isInMemory: (values: Float32Array) => boolean;
  readonly settings: ComputePoolSettings;
  readonly onMicroshard: () => void;
}

/** Value of a tree node on its way up. */
interface NodeSum {
  readonly gradient: EncodedGradient | undefined;
  /** The microshard that the gradient is of, where nobody has looked at it for what is not finite. */
  readonly unchecked: MicroshardWork | undefined;
  readonly nonFinite: NonFiniteLocation | undefined;
  readonly lossSum: number;
  readonly tokens: number;
  readonly sequences: number;
}

async function computeNode({ queue, memory, gradientBytesMax, isInMemory, settings, onMicroshard }: PoolParts, work: NodeWork, signal: AbortSignal): Promise<NodeResult> {
  const { kind, node, microshards, batch, parameters } = work;
  assert(node.width >= 1 && node.width <= NODE_WIDTH_MAX, () => `node: expected a width from 1 to ${String(NODE_WIDTH_MAX)}, got ${String(node.width)}`);
  const carriesStates = kind === 'gradient' && settings.objective.truncation.kind === 'chunk';
  const leaves = microshards.filter(({ microshard }) => carriesStates || countTargets(microshard) > 0);
  const stateBytes = carriesStates ? leaves.reduce((bytes, { microshard }) => bytes + 4 * stateSize(settings.model, microshard.B), 0) : 0;
  const byIndex = new Map(leaves.map((leaf) => [leaf.microshard.index, leaf]));
  const finalStates = new Map<number, Float32Array>();
  const group: JobGroup = { parameters: { values: parameters, isInMemory: isInMemory(parameters) }, signal };

  async function sumNode(at: TreeNode): Promise<NodeSum | undefined> {
    const children = childrenOf(at);
    if (children === undefined) return computeLeaf(byIndex.get(at.begin));
    const [left, right] = await Promise.all([sumNode(children[0]), sumNode(children[1])]);
    return left === undefined || right === undefined ? (left ?? right) : add(at, left, right);
  }

  async function computeLeaf(leaf: MicroshardWork | undefined): Promise<NodeSum | undefined> {
    if (leaf === undefined) return undefined;
    const checks = leaves.length === 1;
    const { finalStates: states, ...sum } = await runLeaf(leaf, checks);
    onMicroshard();
    if (states !== undefined) finalStates.set(leaf.microshard.index, states);
    return { ...sum, unchecked: checks || sum.gradient === undefined ? undefined : leaf };
  }

  async function runLeaf(leaf: MicroshardWork, checks: boolean): Promise<Omit<NodeSum, 'unchecked'> & Pick<MicroshardOutcome, 'finalStates'>> {
    let block: Uint8Array | undefined;
    // Memory is taken when a thread begins, so that no more is under way than threads and sums.
    const job = (): MicroshardJob => {
      if (kind === 'gradient') block = memory.take(gradientBytesMax + stateBytes);
      return { kind, ...leaf, batch, parameters: undefined, into: block, checks };
    };
    const { gradientBytes, ...outcome } = await memory.during(queue.run(job, group));
    return { ...outcome, gradient: gradientIn(block, gradientBytes) };
  }

  async function add(at: TreeNode, left: NodeSum, right: NodeSum): Promise<NodeSum> {
    const sums = { lossSum: left.lossSum + right.lossSum, tokens: left.tokens + right.tokens, sequences: left.sequences + right.sequences, unchecked: undefined };
    const explosion = async (): Promise<NonFiniteLocation | undefined> => (await explosionIn(left)) ?? (await explosionIn(right));
    if (left.gradient === undefined || right.gradient === undefined) {
      for (const { gradient } of [left, right]) if (gradient !== undefined) memory.giveBack(gradient.block);
      return { ...sums, gradient: undefined, nonFinite: await explosion() };
    }
    const { gradientBytes, nonFinite } = await memory.during(queue.runFirst<AddJob>({ kind: 'add', node: at, left: left.gradient, right: right.gradient }, group));
    memory.giveBack(right.gradient.block);
    const gradient = gradientIn(left.gradient.block, gradientBytes);
    return { ...sums, gradient, nonFinite: nonFinite && ((await explosion()) ?? nonFinite) };
  }

  /** Where the first microshard explodes. One whose gradient was added before anybody looked at it is computed once more. */
  async function explosionIn({ nonFinite, unchecked }: NodeSum): Promise<NonFiniteLocation | undefined> {
    if (unchecked === undefined) return nonFinite;
    const again = await runLeaf(unchecked, true);
    if (again.gradient !== undefined) memory.giveBack(again.gradient.block);
    return again.nonFinite;
  }

  /** The gradient that a job has written to `block`; where it has written none, the block is free. */
  function gradientIn(block: Uint8Array | undefined, bytes: number | undefined): EncodedGradient | undefined {
    if (block === undefined) return undefined;
    if (bytes !== undefined) return { block, bytes };
    memory.giveBack(block);
    return undefined;
  }

  const { lossSum, tokens, sequences, gradient, nonFinite } = (await sumNode(node)) ?? NOTHING;
  const common = { lossSum, tokens, sequences, nonFinite };
  if (gradient === undefined) return { ...common, payload: new Uint8Array(), gradientBytes: 0, stateBytes: 0, release: () => undefined };
  putStates(gradient, leaves.map(({ microshard }) => finalStates.get(microshard.index)));
  const payload = gradient.block.subarray(0, gradient.bytes + stateBytes);
  return { ...common, payload, gradientBytes: gradient.bytes, stateBytes, release: () => { memory.giveBack(gradient.block); } };
}

/** Writes the final states of microshards behind a gradient, where its block has room for them. */
function putStates({ block, bytes }: EncodedGradient, all: readonly (Float32Array | undefined)[]): void {
  let at = block.byteOffset + bytes;
  for (const states of all) {
    if (states === undefined) continue;
    new Float32Array(block.buffer, at, states.length).set(states);
    at += states.byteLength;
  }
}

/** Sums and payloads that may wait beside what threads compute: more than a tree is deep. */
const SUMS_WAITING = 16;
/** Sets of parameters: the one that is held, the one that is pulled, and one of a pull that was given up. */
const PARAMETER_SETS = 3;
const NOTHING: Omit<NodeSum, 'unchecked'> = { lossSum: 0, tokens: 0, sequences: 0, gradient: undefined, nonFinite: undefined };
