import { assert, BpttError, countSequences, countTargets, messageOf, reductionDivisor, stateSize, type Microshard } from '@bptt/core';
import { PushOutcome, type Lease__Output, type PushGradientReply__Output, type ServerCommand__Output } from '@bptt/rpc';
import type { BlockPool } from '@bptt/simd';
import { advance } from './advance.js';
import { CarriedStates } from './carried-states.js';
import { floatsSha256, type Checkpoint } from './checkpoint-format.js';
import type { CommandSink } from './endpoint.js';
import { leaseMessage, microshardMessage } from './messages.js';
import { sumLosses } from './progress.js';
import type { Push } from './push.js';
import { RunFigures } from './run-figures.js';
import { RoundPayloads } from './round-payloads.js';
import { countNode, rootOf, type Lease, type LeafCounts, type Round } from './round.js';
import type { RunData, TrainingBatch } from './run-data.js';
import type { RunConfig } from './run-config.js';
import type { RunEvent, RunMetric, RunResult, StepOutcome } from './run-event.js';
import type { RunLog } from './run-log.js';
import type { ParameterHashes } from './parameter-hashes.js';
import type { ParameterSets, PlacedSet } from './parameter-sets.js';
import { cursorOf, isAveraged, iteratesAveraged, learningRateOf, type Effect, type RunInput, type RunState, type WorkerState } from './run-state.js';
import type { CheckpointRequest, UpdateReply } from './update-engine.js';
import type { UpdateThread } from './update-client.js';

export interface RunShellOptions {
  readonly config: RunConfig;
  readonly data: RunData;
  readonly state: RunState;
  readonly origin: Checkpoint['origin'];
  readonly states: Checkpoint['states'];
  readonly buffers: readonly Float32Array[];
  /** What lies in them. */
  readonly sets: ParameterSets;
  readonly hashes: ParameterHashes;
  readonly thread: UpdateThread;
  /** Where pushes that end give their memory back. */
  readonly payloads: BlockPool;
  readonly log: RunLog;
  readonly onEvent: (event: RunEvent) => void;
  readonly nowMs: () => number;
}

interface WaitingPush {
  readonly payload: Uint8Array;
  readonly resolve: (reply: PushGradientReply__Output) => void;
  readonly reject: (error: BpttError) => void;
}

/** Owns the state of a run and does what the state machine says: the only place where it meets clock, disk, threads and network. */
export class RunShell {
  readonly #options: RunShellOptions;
  readonly #inputs: RunInput[] = [];
  readonly #sinks = new Map<string, CommandSink>();
  readonly #pushes = new Map<number, WaitingPush>();
  readonly #payloads: RoundPayloads;
  readonly #carried: CarriedStates;
  readonly #finish: (result: RunResult) => void;
  readonly figures = new RunFigures();
  /** How the run ended. */
  readonly finished: Promise<RunResult>;
  #state: RunState;
  #batch: TrainingBatch | undefined;
  #evaluationLeaves: readonly LeafCounts[] | undefined;
  #dispatching = false;
  #roundOpenedMs = 0;

  constructor(options: RunShellOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#payloads = new RoundPayloads(options.thread, options.payloads);
    this.#carried = new CarriedStates(options.states);
    let finish: (result: RunResult) => void = () => undefined;
    this.finished = new Promise((resolve) => { finish = resolve; });
    this.#finish = finish;
  }

  get state(): RunState {
    return this.#state;
  }

  /** Gives an input to the state machine and does what follows. */
  dispatch(input: RunInput): void {
    this.#inputs.push(input);
    if (this.#dispatching) return;
    this.#dispatching = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        const [state, effects] = advance(this.#state, next);
        this.#state = state;
        for (const effect of effects) this.#execute(effect);
      }
    } catch (error) {
      // A fault of the data or of this program; the run cannot go on, but its clients must hear of it.
      this.#inputs.length = 0;
      this.#dispatching = false;
      this.fail(error);
    } finally {
      this.#dispatching = false;
    }
  }

  /** Ends the run as failed. */
  fail(error: unknown): void {
    this.dispatch({ type: 'fail', reason: messageOf(error) });
  }

  /** Judges a complete push that the update thread has received, and takes its payload. Rejects where it is refused. */
  push(push: Push, payload: Uint8Array): Promise<PushGradientReply__Output> {
    return new Promise((resolve, reject) => {
      this.#pushes.set(push.pushId, { payload, resolve, reject });
      this.dispatch({ type: 'push', nowMs: this.#options.nowMs(), push });
    });
  }

  /** Connects the control stream of a worker. */
  attach(workerId: string, sink: CommandSink): void {
    this.#sinks.set(workerId, sink);
    if (this.#state.phase === 'ended') this.#drain(sink);
  }

  isAttached(workerId: string): boolean {
    return this.#sinks.has(workerId);
  }

  /** Ends all control streams. */
  detachAll(): void {
    for (const sink of this.#sinks.values()) sink.end();
    this.#sinks.clear();
  }

  #execute(effect: Effect): void {
    const { onEvent } = this.#options;
    switch (effect.type) {
      case 'admitted':
        this.#joined(effect.worker);
        break;
      case 'worker-lost':
        onEvent({ event: 'worker-left', workerId: effect.worker.id, name: effect.worker.name, reason: effect.reason });
        this.#sinks.get(effect.worker.id)?.end();
        this.#sinks.delete(effect.worker.id);
        break;
      case 'grant':
        this.#send(effect.lease.workerId, { lease: this.#leaseMessage(effect.lease, effect.round), command: 'lease' });
        break;
      case 'revoke':
        this.#send(effect.lease.workerId, { revoke: { leaseId: effect.lease.id }, command: 'revoke' });
        break;
      case 'expired':
        onEvent({ event: 'lease-expired', workerId: effect.lease.workerId, step: effect.round.step, node: effect.lease.node, reason: effect.reason });
        break;
      case 'lease-given-up':
        onEvent({ event: 'warning', message: `worker ${effect.workerId} gave a lease up: ${effect.reason}` });
        break;
      case 'open-round':
        this.#carried.forget();
        if (effect.kind === 'evaluate') this.#openEvaluation();
        else this.#openBatch(effect.step);
        break;
      case 'answer':
        this.#answer(effect);
        break;
      case 'refuse':
        this.#refuse(effect);
        break;
      case 'update':
        this.#background(this.#update(effect.round));
        break;
      case 'validated':
        this.#validated(effect);
        break;
      case 'keep-best':
        this.#background(this.#keepBest());
        break;
      case 'restore-best':
        this.#background(this.#restoreBest());
        break;
      case 'advanced':
        for (const workerId of this.#sinks.keys()) this.#send(workerId, { stepAdvanced: { step: effect.step }, command: 'stepAdvanced' });
        break;
      case 'checkpoint':
        this.#background(this.#checkpoint());
        break;
      case 'ended':
        this.#end(effect);
        break;
    }
  }

  #joined({ id, name, executes, threads }: WorkerState): void {
    this.#record({ event: 'worker-joined', workerId: id, name, executes, threads });
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) => { this.fail(error); });
  }

  #openEvaluation(): void {
    const { data, nowMs } = this.#options;
    this.#evaluationLeaves ??= Array.from({ length: data.evaluation.count }, (_, i) => countLeaf(data.evaluation.microshard(i), 0));
    const { version } = this.#judged().set;
    this.dispatch({ type: 'round-opened', nowMs: nowMs(), kind: 'evaluate', leaves: this.#evaluationLeaves, parametersVersion: version });
  }

  #openBatch(step: number): void {
    const { data, sets, nowMs } = this.#options;
    this.#batch = data.batch(step);
    if (this.#batch.startsEpoch) this.#carried.reset();
    const leaves = this.#batch.microshards.map((microshard) => (microshard === undefined ? undefined : countLeaf(microshard, this.#stateBytes(microshard))));
    this.#background(this.#payloads.open(leaves.map((leaf) => leaf === undefined)));
    this.#roundOpenedMs = nowMs();
    this.dispatch({ type: 'round-opened', nowMs: this.#roundOpenedMs, kind: 'train', leaves, parametersVersion: sets.iterate.version });
  }

  #leaseMessage(lease: Lease, round: Round): Lease__Output {
    const { begin, width } = lease.node;
    const { data } = this.#options;
    const indexes = Array.from({ length: width }, (_, i) => begin + i).filter((index) => round.leaves[index] !== undefined);
    const messages = indexes.map((index) => {
      if (round.kind === 'evaluate') return microshardMessage(data.evaluation.microshard(index), undefined);
      const microshard = this.#batch?.microshards[index];
      if (microshard === undefined) throw new BpttError('internal', `microshard ${String(index)} of step ${String(round.step)} is gone`);
      return microshardMessage(microshard, this.#carried.current[index]);
    });
    return leaseMessage(lease, round, messages, round.kind === 'train' ? this.#batch?.counts : undefined);
  }

  #answer({ push, outcome }: Extract<Effect, { type: 'answer' }>): void {
    const { payload, resolve } = this.#takeWaiting(push);
    const { round } = this.#state;
    if (outcome !== 'COMMITTED') {
      this.#background(this.#payloads.discard(push, payload));
    } else if (push.kind === 'train' && push.nonFinite !== undefined) {
      this.#background(this.#options.thread.call('adoptNonFinite', push.node));
    } else if (push.kind === 'train') {
      this.#background(this.#payloads.adopt(push, payload));
      if (round !== undefined) this.#carried.collect(round, push.node, payload.subarray(push.gradientBytes));
    }
    resolve(pushReply(outcome, this.#state.step));
  }

  #refuse({ push, code, message }: Extract<Effect, { type: 'refuse' }>): void {
    const { payload, reject } = this.#takeWaiting(push);
    this.#background(this.#payloads.discard(push, payload));
    if (code === 'data-loss') {
      this.#options.onEvent({ event: 'duplicate-mismatch', workerId: push.workerId, step: push.step, node: push.node, message });
    }
    reject(new BpttError(code, message));
  }

  #takeWaiting({ pushId }: Push): WaitingPush {
    const waiting = this.#pushes.get(pushId);
    assert(waiting !== undefined, () => `push ${String(pushId)} does not wait for an answer`);
    this.#pushes.delete(pushId);
    return waiting;
  }

  async #update(round: Round): Promise<void> {
    const { config, sets, log } = this.#options;
    const { step } = round;
    const counts = countNode(round, rootOf(round));
    const divisor = counts.tokens === 0 ? 0 : reductionDivisor(config.objective.reduction, counts);
    const learningRate = learningRateOf(this.#state);
    const from = sets.iterateBuffer;
    const into = sets.beginIterate();
    sets.setAverage(undefined);
    const reply = await this.#payloads.update({
      from, into, divisor, learningRate, updates: this.#state.updates, iteratesAveraged: iteratesAveraged(this.#state), clip: config.clip, policy: config.explosion, hashes: log.wantsHash(step + 1),
    });
    if (this.#state.phase === 'ended') return;
    const exploded = Number.isNaN(reply.gradientNorm);
    if (exploded) this.#exploded(round);
    if (reply.outcome === 'stopped') {
      this.dispatch({ type: 'exploded', reason: `step ${String(step)}: the gradient is not finite, and the explosion policy is stop` });
      return;
    }
    if (reply.outcome === 'updated' || reply.outcome === 'empty') this.#carried.accept();
    sets.endIterate({ step: step + 1, sha256: reply.parametersSha256 }, reply.outcome === 'updated' || reply.outcome === 'shrunk');
    this.#logStep(round, { ...reply, outcome: reply.outcome }, learningRate);
    this.dispatch({ type: 'updated', descended: reply.outcome === 'updated', exploded, trainLoss: this.figures.trainLoss, learningRate });
  }

  #exploded(round: Round): void {
    this.figures.stepsNonFinite += 1;
    const flagged = [...round.committed.values()].filter(({ nonFinite }) => nonFinite !== undefined).sort((a, b) => a.node.begin - b.node.begin);
    this.#options.onEvent({ event: 'non-finite', step: round.step, location: flagged.at(0)?.nonFinite, policy: this.#options.config.explosion });
    if (this.#options.config.explosion !== 'stop') this.#carried.rejectAll();
  }

  #logStep(round: Round, reply: UpdateReply & { readonly outcome: StepOutcome }, learningRate: number): void {
    const { log, nowMs } = this.#options;
    const { outcome, gradientNorm, clipped, parametersSha256 } = reply;
    const { tokens, sequences } = countNode(round, rootOf(round));
    const elapsedMs = Math.max(nowMs() - this.#roundOpenedMs, Number.MIN_VALUE);
    const lossSum = sumLosses(round);
    this.figures.addStep({ tokens, lossSum, gradientNorm, elapsedMs });
    const step = round.step + 1;
    const epoch = this.#batch?.epoch ?? 0;
    log.step({ step, epoch, tokens, sequences, outcome, lossSum: finiteOrNull(lossSum), gradientNorm: finiteOrNull(gradientNorm), learningRate, ...(parametersSha256 !== undefined && { parametersSha256 }) });
    this.#record({ event: 'step', step, epoch, trainLoss: this.figures.trainLoss, gradientNorm, clipped, learningRate, tokens, tokensPerSecond: (1000 * tokens) / elapsedMs, outcome });
  }

  /** For those who watch now, and for those who look later. */
  #record(event: RunMetric): void {
    this.#options.log.metric(event);
    this.#options.onEvent(event);
  }

  #validated({ verdict }: Extract<Effect, { type: 'validated' }>): void {
    this.figures.validLoss = verdict.validLoss;
    this.#record({ event: 'validation', ...verdict });
  }

  async #keepBest(): Promise<void> {
    await this.#options.thread.call('keepBest', await this.#checkpointRequest());
    this.dispatch({ type: 'validation-settled' });
  }

  async #restoreBest(): Promise<void> {
    const { sets, thread } = this.#options;
    const { step } = this.#state;
    await thread.call('restoreBest', sets.beginIterate());
    sets.endIterate({ step, sha256: undefined }, true);
    this.dispatch({ type: 'validation-settled' });
  }

  async #checkpoint(): Promise<void> {
    const { log, thread } = this.#options;
    const { step } = this.#state;
    log.sync();
    const request = await this.#checkpointRequest();
    const path = await thread.call('checkpoint', request);
    if (this.#state.phase === 'ended') return;
    this.#record({ event: 'checkpoint', step, path, parametersSha256: request.parametersSha256 });
    this.dispatch({ type: 'checkpointed' });
  }

  async #checkpointRequest(): Promise<CheckpointRequest> {
    const { origin, sets, hashes } = this.#options;
    const sha256 = await hashes.of(this.#judged());
    const averaged = isAveraged(this.#state);
    return { origin, cursor: cursorOf(this.#state), states: this.#carried.current, parametersSha256: sha256, iterate: sets.iterateBuffer, averaged };
  }

  /** The parameters that the run is judged by. */
  #judged(): PlacedSet {
    const { sets } = this.#options;
    const { step } = this.#state;
    if (isAveraged(this.#state) && sets.average === undefined) sets.setAverage({ step, sha256: undefined });
    return sets.judged;
  }

  #end({ outcome, reason }: Extract<Effect, { type: 'ended' }>): void {
    const { step, validation } = this.#state;
    const { trainLoss, validLoss, tokensPerSecond } = this.figures;
    const { sets, buffers } = this.#options;
    const { set, buffer } = sets.judged;
    // A run that ends as it should has asked for the hash before.
    const parametersSha256 = set.sha256 ?? floatsSha256(buffers[buffer]);
    const result: RunResult = { outcome, reason, step, trainLoss, validLoss, bestValidLoss: validation.bestLoss ?? NaN, parametersSha256, tokensPerSecond };
    for (const sink of this.#sinks.values()) this.#drain(sink);
    try {
      this.#options.log.sync();
    } catch (error) {
      this.#options.onEvent({ event: 'warning', message: `the journal could not be synced: ${String(error)}` });
    }
    this.#options.onEvent({ event: 'done', ...result });
    this.#finish(result);
  }

  #drain(sink: CommandSink): void {
    const { ending } = this.#state;
    sink.send({ drain: { reason: ending?.reason ?? '', finished: ending?.outcome === 'finished' }, command: 'drain' });
  }

  #send(workerId: string, command: ServerCommand__Output): void {
    this.#sinks.get(workerId)?.send(command);
  }

  #stateBytes({ B }: Microshard): number {
    const { model, objective: { truncation } } = this.#options.config;
    return truncation.kind === 'chunk' ? stateSize(model, B) * Float32Array.BYTES_PER_ELEMENT : 0;
  }
}

/** The answer to a push. */
export function pushReply(outcome: 'COMMITTED' | 'DUPLICATE' | 'STALE' | 'FENCED', currentStep: number): PushGradientReply__Output {
  return { outcome: PushOutcome[`PUSH_OUTCOME_${outcome}`], currentStep };
}

function countLeaf(microshard: Microshard, stateBytes: number): LeafCounts {
  return { tokens: countTargets(microshard), sequences: countSequences(microshard), stateBytes };
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
