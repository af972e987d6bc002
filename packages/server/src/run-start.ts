import {
  assertLegal, BpttError, createOptimizer, formatSchedule, gradientBytesBounds, initializeParameters, lossBound, optimizerConfig, parameterLayout, parseSchedule, restoresBest, stateSize,
} from '@bptt/core';
import { floatsSha256, type Checkpoint, type CheckpointOrigin } from './checkpoint-format.js';
import { runId, type RunConfig } from './run-config.js';
import { vocabularySha256 } from './run-folder.js';
import { FIRST_CURSOR, isAveraged, type RunSettings } from './run-state.js';
import type { ParameterServerOptions } from './server-options.js';

const WORKER_TIMEOUT_MS = 10_000;
const LEASE_FLOOR_MS = 10_000;

/** @throws BpttError `invalid-argument` for the first thing in `options` that no run can have */
export function assertLegalRun({ config, data, stepsTotal, initialParameters, patience = 0, resume = false }: ParameterServerOptions): void {
  assertLegal(config);
  if (data.microshards !== config.microshards) {
    throw refused(`microshards: expected ${String(config.microshards)} as configured, got data cut into ${String(data.microshards)}`);
  }
  whole('steps', stepsTotal, 0);
  whole('stepsPerEpoch', data.stepsPerEpoch, 1);
  whole('validEvery', config.validEvery, 0);
  whole('checkpointEvery', config.checkpointEvery, 0);
  whole('warmup', config.warmup, 0);
  whole('patience', patience, 0);
  assertLegalDescent(config);
  if (data.evaluation.count === 0) {
    const needing = [patience > 0 ? ['patience'] : [], config.optimizer.name === 'asgd' ? ['optimizer asgd'] : [], restoresBest(config.schedule) ? ['schedule plateau'] : []].flat();
    if (needing.length > 0) throw refused(`${needing[0]}: expected a corpus with text to validate on, got one without`);
  }
  const spoilt = initialParameters?.findIndex((value) => !Number.isFinite(value)) ?? -1;
  if (spoilt >= 0) throw refused(`initialParameters: expected finite numbers, got ${String(initialParameters?.[spoilt])} at ${String(spoilt)}`);
  const { initialParametersSha256 } = config;
  const given = initialParameters === undefined ? undefined : floatsSha256(initialParameters);
  if (given !== undefined && given !== initialParametersSha256) {
    throw refused(`initialParametersSha256: expected ${given}, as given, got ${initialParametersSha256 ?? 'nothing'}`);
  }
  if (!resume) assertInitialParametersGiven(config, initialParameters);
}

/**
 * What a run begins with that has no checkpoint.
 * @throws BpttError `invalid-argument` where the configuration names initial parameters and none are given
 */
export function firstCheckpoint({ config, data, vocabularyJson, backendId, initialParameters }: ParameterServerOptions): Checkpoint {
  assertInitialParametersGiven(config, initialParameters);
  const parameters = initialParameters ?? initializeParameters(config.model, config.seed, config.initialization);
  const origin: CheckpointOrigin = {
    runId: runId(config, data.hash, backendId),
    backendId,
    corpusHash: data.hash,
    configJson: JSON.stringify(config),
    vocabularySha256: vocabularySha256(vocabularyJson),
  };
  return {
    origin,
    cursor: FIRST_CURSOR,
    parameters,
    parametersSha256: config.initialParametersSha256 ?? floatsSha256(parameters),
    iterate: undefined,
    slots: Object.fromEntries(createOptimizer(config.optimizer).slots.map((name) => [name, new Float32Array(parameters.length)])),
    best: undefined,
    states: Array.from({ length: data.microshards }, () => undefined),
  };
}

/**
 * Checks that a checkpoint is one of this run and has all that its optimiser and its schedule need.
 * @throws BpttError `failed-precondition` for a checkpoint of another run, `data-loss` for one that lacks something
 */
export function assertCheckpointFits({ origin, cursor, slots, iterate, best, states }: Checkpoint, { config, data, backendId }: ParameterServerOptions): void {
  const expected = runId(config, data.hash, backendId);
  if (origin.runId !== expected) throw new BpttError('failed-precondition', `checkpoint: expected run ${expected}, got one of run ${origin.runId}`);
  const parts: readonly (readonly [string, unknown, unknown])[] = [
    ['slots of the optimiser', createOptimizer(config.optimizer).slots.toSorted().join(), Object.keys(slots).sort().join()],
    ['an iterate beside the average', isAveraged(cursor), iterate !== undefined],
    ['best parameters', restoresBest(config.schedule) && cursor.validation.bestLoss !== null, best !== undefined],
    ['carried states', data.microshards, states.length],
  ];
  for (const [what, wanted, got] of parts) if (wanted !== got) throw new BpttError('data-loss', `checkpoint: ${what}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`);
}

/** What the state machine needs to know of a run. */
export function runSettings({ config, data, backendId, stepsTotal, patience = 0, timing = {} }: ParameterServerOptions): RunSettings {
  const { optimizer, learningRate, schedule, warmup, clip } = config;
  return {
    runId: runId(config, data.hash, backendId),
    microshards: data.microshards,
    evaluationLeaves: data.evaluation.count,
    stepsTotal,
    stepsPerEpoch: data.stepsPerEpoch,
    validEvery: config.validEvery,
    checkpointEvery: config.checkpointEvery,
    learningRatePlan: { learningRate, schedule, warmup },
    nonmono: optimizer.name === 'asgd' ? optimizer.nonmono : undefined,
    patience,
    lossBound: lossBound(config.model),
    optimizer: optimizer.name,
    clip: clip.kind,
    gradientBytes: gradientBytesBounds(parameterLayout(config.model)),
    leaseFloorMs: timing.leaseFloorMs ?? LEASE_FLOOR_MS,
    workerTimeoutMs: timing.workerTimeoutMs ?? WORKER_TIMEOUT_MS,
    generationFirst: Date.now(),
  };
}

/** Payloads that come beside those of a round: repeated, late, or of no use. */
const SPARE_PAYLOADS = 8;

/** Most bytes of a payload: the largest gradient, and where states are carried those of all lanes, padding included. */
export function payloadBytesMax({ gradientBytes: [, most] }: RunSettings, { model, objective: { truncation }, batch, microshards }: RunConfig): number {
  if (truncation.kind !== 'chunk') return most;
  return most + microshards * stateSize(model, Math.ceil(batch / microshards)) * Float32Array.BYTES_PER_ELEMENT;
}

/** Bytes that a run needs, about: buffers of parameters, slots of the optimiser in turn, and payloads of a whole round with some to spare. */
export function memoryBytesOf(settings: RunSettings, config: RunConfig): number {
  const arrays = 3 + 2 * createOptimizer(config.optimizer).slots.length;
  return arrays * parameterLayout(config.model).size * Float32Array.BYTES_PER_ELEMENT + (config.microshards + SPARE_PAYLOADS) * payloadBytesMax(settings, config);
}

function assertLegalDescent({ optimizer, learningRate, schedule, clip }: RunConfig): void {
  const { name, ...settings } = optimizer;
  optimizerConfig(name, settings);
  parseSchedule(formatSchedule(schedule));
  if (!(Number.isFinite(learningRate) && learningRate >= 0)) throw refused(`learningRate: expected a number from 0, got ${String(learningRate)}`);
  if (clip.kind !== 'none' && !(Number.isFinite(clip.threshold) && clip.threshold > 0)) throw refused(`clip: expected a threshold above 0, got ${String(clip.threshold)}`);
}

function assertInitialParametersGiven({ initialParametersSha256 }: RunConfig, given: Float32Array | undefined): void {
  if (given === undefined && initialParametersSha256 !== undefined) throw refused(`initialParametersSha256: expected parameters with sha256 ${initialParametersSha256}, got none`);
}

function whole(key: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) throw refused(`${key}: expected a whole number from ${String(least)}, got ${String(value)}`);
}

function refused(message: string): BpttError {
  return new BpttError('invalid-argument', message);
}
