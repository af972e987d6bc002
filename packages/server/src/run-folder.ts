import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BpttError } from '@bptt/core';
import { sha256Hex } from '@bptt/rpc';
import { canonicalJson } from './canonical-json.js';
import { replaceFile } from './checkpoints.js';
import { runId, runIdentity, type RunConfig } from './run-config.js';

const FORMAT = 'bptt-run/1';
const CONFIG = 'config.json';
/** What a run writes into its folder: all that `overwrite` removes. */
const OWN_FILES = [CONFIG, 'vocabulary.json', 'journal.jsonl', 'metrics.jsonl', 'LATEST', 'checkpoints'];

/** What `config.json` of a run folder says. */
export interface StoredRun {
  readonly format: typeof FORMAT;
  readonly runId: string;
  readonly backendId: string;
  readonly corpusHash: string;
  readonly config: RunConfig;
}

export interface RunFolderOptions {
  readonly runDirectory: string;
  readonly config: RunConfig;
  readonly corpusHash: string;
  readonly backendId: string;
  readonly vocabularyJson: unknown;
  readonly resume: boolean;
  readonly overwrite: boolean;
}

/**
 * Makes a run folder, or checks that one can be gone on with.
 * @throws BpttError `already-exists` for a folder with files and neither `resume` nor `overwrite`; `not-found` for a resume or an `overwrite` without
 *   a run; `invalid-argument` for a resume with another configuration, corpus or backend, naming key, stored and given value
 */
export function openRunFolder(options: RunFolderOptions): void {
  const { runDirectory, config, corpusHash, backendId, vocabularyJson } = options;
  if (options.resume) {
    assertSameRun(readStoredRun(runDirectory), options);
    return;
  }
  if (existsSync(runDirectory) && readdirSync(runDirectory).length > 0) {
    if (!options.overwrite) throw new BpttError('already-exists', `run folder ${runDirectory} is not empty: choose another, or --resume or --overwrite`);
    // Only what is known to be a run is removed, and only its own files.
    readStoredRun(runDirectory);
    removeOwnFiles(runDirectory);
  }
  mkdirSync(runDirectory, { recursive: true });
  const stored: StoredRun = { format: FORMAT, runId: runId(config, corpusHash, backendId), backendId, corpusHash, config };
  replaceFile(runDirectory, 'vocabulary.json', jsonBytes(vocabularyJson));
  replaceFile(runDirectory, CONFIG, jsonBytes(stored));
}

/** Takes away a run that never did a step; the folder too, where nothing else is in it. */
export function removeRunFolder(runDirectory: string): void {
  removeOwnFiles(runDirectory);
  if (existsSync(runDirectory) && readdirSync(runDirectory).length === 0) rmdirSync(runDirectory);
}

/**
 * What the run in `runDirectory` was told to do.
 * @throws BpttError `not-found` where there is none, `data-loss` where its `config.json` cannot be read
 */
export function readStoredRun(runDirectory: string): StoredRun {
  const path = join(runDirectory, CONFIG);
  if (!existsSync(path)) throw new BpttError('not-found', `${runDirectory} holds no run: it has no ${CONFIG}`);
  let stored: Partial<StoredRun>;
  try {
    stored = JSON.parse(readFileSync(path, 'utf8')) as Partial<StoredRun>;
  } catch (cause) {
    throw new BpttError('data-loss', `${path} is not JSON`, { cause });
  }
  if (stored.format !== FORMAT) throw new BpttError('data-loss', `${path}: expected format ${FORMAT}, got ${JSON.stringify(stored.format)}`);
  return stored as StoredRun;
}

function removeOwnFiles(runDirectory: string): void {
  for (const name of OWN_FILES) rmSync(join(runDirectory, name), { recursive: true, force: true });
}

function assertSameRun(stored: StoredRun, given: RunFolderOptions): void {
  const difference = identityDifferences([stored, given]).at(0);
  if (difference === undefined) return;
  const [before = 'not set', now = 'not set'] = difference.values;
  throw new BpttError('invalid-argument', `cannot resume ${given.runDirectory}: ${difference.key} was ${before}, given ${now}`);
}

/** What identifies several runs, where they differ, by key: its value in each run, as JSON; undefined where a run has no such key. */
export function identityDifferences(
  runs: readonly Pick<StoredRun, 'config' | 'corpusHash' | 'backendId'>[],
): { readonly key: string; readonly values: readonly (string | undefined)[] }[] {
  const identities = runs.map(({ config, corpusHash, backendId }) => flatten(runIdentity(config, corpusHash, backendId)));
  const keys = [...new Set(identities.flatMap((identity) => [...identity.keys()]))].sort();
  return keys.map((key) => ({ key, values: identities.map((identity) => identity.get(key)) })).filter(({ values }) => new Set(values).size > 1);
}

/** `a.b.c` to the JSON of each leaf. */
function flatten(value: unknown, path = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map([[path, canonicalJson(value)]]);
  return new Map(Object.entries(value).flatMap(([key, inner]) => [...flatten(inner, path === '' ? key : `${path}.${key}`)]));
}

/** SHA-256 of `vocabulary.json` as a run with this vocabulary writes it, hex: what its checkpoints carry. */
export function vocabularySha256(vocabularyJson: unknown): string {
  return sha256Hex(jsonBytes(vocabularyJson));
}

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, undefined, 2)}\n`);
}
