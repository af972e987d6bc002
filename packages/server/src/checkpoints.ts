import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { BpttError, messageOf, type ParameterLayout } from '@bptt/core';
import { decodeCheckpoint, encodeCheckpoint, type Checkpoint } from './checkpoint-format.js';

/** Checkpoints that a run keeps. */
export const CHECKPOINTS_KEPT = 2;

const FOLDER = 'checkpoints';
const LATEST = 'LATEST';
const BEST = 'best.safetensors';
const NAME = /^step-(\d{8,})\.safetensors$/;

/**
 * Writes a checkpoint of `runDirectory` so that a crash at any moment leaves the one before: a temporary file is synced and renamed, its
 * folder synced, and `LATEST` changed last. Older ones beyond `CHECKPOINTS_KEPT` are removed. Returns the path. Blocks.
 */
export function writeCheckpoint(runDirectory: string, layout: ParameterLayout, checkpoint: Checkpoint): string {
  const folder = join(runDirectory, FOLDER);
  mkdirSync(folder, { recursive: true });
  const name = `step-${String(checkpoint.cursor.step).padStart(8, '0')}.safetensors`;
  replaceFile(folder, name, encodeCheckpoint(layout, checkpoint));
  replaceFile(runDirectory, LATEST, new TextEncoder().encode(`${name}\n`));
  for (const old of checkpointNames(runDirectory).slice(CHECKPOINTS_KEPT)) rmSync(join(folder, old), { force: true });
  return join(folder, name);
}

/**
 * Writes the parameters of the best validation so far, in place of those before; a crash leaves one or the other. They count for nothing in a resume.
 * Returns the path. Blocks.
 */
export function writeBest(runDirectory: string, layout: ParameterLayout, best: Checkpoint): string {
  mkdirSync(join(runDirectory, FOLDER), { recursive: true });
  replaceFile(join(runDirectory, FOLDER), BEST, encodeCheckpoint(layout, best));
  return bestCheckpointPath(runDirectory);
}

/** Where the parameters of the best validation lie. */
export function bestCheckpointPath(runDirectory: string): string {
  return join(runDirectory, FOLDER, BEST);
}

/**
 * The newest checkpoint of `runDirectory` that is whole; `onWarning` hears of each that is not. Undefined where the run has none.
 * @throws BpttError `data-loss` where it has some and all are damaged
 */
export function readCheckpoint(runDirectory: string, layout: ParameterLayout, onWarning: (message: string) => void): Checkpoint | undefined {
  const names = checkpointNames(runDirectory);
  let failure: unknown;
  for (const name of names) {
    try {
      return decodeCheckpoint(layout, readFileSync(join(runDirectory, FOLDER, name)));
    } catch (error) {
      failure = error;
      onWarning(`${join(FOLDER, name)} is damaged and the checkpoint before it is used: ${messageOf(error)}`);
    }
  }
  if (names.length > 0) throw new BpttError('data-loss', `${runDirectory}: no checkpoint is whole`, { cause: failure });
  return undefined;
}

/** Writes `content` as `folder/name`, all or nothing, and on disk on return. Blocks. */
export function replaceFile(folder: string, name: string, content: Uint8Array): void {
  const temporary = join(folder, `.${name}.tmp`);
  const file = openSync(temporary, 'w');
  try {
    let written = 0;
    while (written < content.byteLength) written += writeSync(file, content, written);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, join(folder, name));
  syncFolder(folder);
}

/** Newest first; nothing after the one that `LATEST` names, which may not be on disk whole. */
function checkpointNames(runDirectory: string): string[] {
  const folder = join(runDirectory, FOLDER);
  if (!existsSync(folder)) return [];
  const latest = existsSync(join(runDirectory, LATEST)) ? stepOf(readFileSync(join(runDirectory, LATEST), 'utf8').trim()) : NaN;
  const names = readdirSync(folder).filter((name) => NAME.test(name));
  return names.filter((name) => !(stepOf(name) > latest)).sort((a, b) => stepOf(b) - stepOf(a));
}

function stepOf(name: string): number {
  return Number(NAME.exec(name)?.[1]);
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
