import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { assert } from '@bptt/core';
import { LAUNCHED_VARIABLE, type ChildMessage, type ParentMessage } from './parent.js';

const COMMAND = fileURLToPath(new URL('../bin/bptt.js', import.meta.url));

/** How a process of `launch` ended. */
export interface RoleEnd {
  readonly name: string;
  /** Exit code, or null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said of its failure. */
  readonly failure: Extract<ChildMessage, { type: 'failed' }> | undefined;
  /** Whether the server sent it away. */
  readonly drained: boolean;
  /** Last line that it wrote to stderr. */
  readonly lastErrorLine: string | undefined;
}

/** A process of `launch`. */
export interface RoleProcess {
  readonly name: string;
  /** Process id; undefined where it could not be started. */
  readonly pid: number | undefined;
  /** Never rejects. */
  readonly ended: Promise<RoleEnd>;
  /** Asks the process to end cleanly. */
  stop(): void;
  /** Ends the process now. */
  kill(): void;
}

export interface RoleOptions {
  /** `server`, `worker 1`, for people. */
  readonly name: string;
  /** Command line after `bptt`. */
  readonly words: readonly string[];
  readonly onOutput: (line: string) => void;
  readonly onError: (line: string) => void;
  readonly onMessage?: (message: ChildMessage) => void;
}

/**
 * Starts this command once more in a process of its own. It is tied to this one: when the channel between them closes, however this
 * process ends, it ends too.
 */
export function startRole({ name, words, onOutput, onError, onMessage }: RoleOptions): RoleProcess {
  const child = spawn(process.execPath, [COMMAND, ...words], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, [LAUNCHED_VARIABLE]: '1' },
  });
  let failure: RoleEnd['failure'];
  let drained = false;
  let lastErrorLine: string | undefined;
  child.on('message', (message) => {
    const told = message as ChildMessage;
    if (told.type === 'failed') failure = told;
    if (told.type === 'drained') drained = true;
    onMessage?.(told);
  });
  eachLine(child.stdout, onOutput);
  eachLine(child.stderr, (line) => {
    lastErrorLine = line;
    onError(line);
  });
  const ended = new Promise<RoleEnd>((resolve) => {
    child.once('error', (error) => { resolve({ name, code: 1, signal: null, failure: { type: 'failed', message: error.message, exitCode: 1 }, drained, lastErrorLine }); });
    child.once('close', (code, signal) => { resolve({ name, code, signal, failure, drained, lastErrorLine }); });
  });
  const stopMessage: ParentMessage = { type: 'stop' };
  return {
    name,
    pid: child.pid,
    ended,
    stop: () => {
      // Fails where the process is ending already.
      if (child.connected) child.send(stopMessage, () => undefined);
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

function eachLine(stream: Readable | null, onLine: (line: string) => void): void {
  assert(stream !== null, () => 'a role without a pipe');
  createInterface({ input: stream, crlfDelay: Infinity }).on('line', onLine);
}

/** `worker 1: signal SIGKILL`, `server: exit code 1, corpus.txt: no such file`. */
export function describeEnd({ name, code, signal, failure, lastErrorLine }: RoleEnd): string {
  const how = signal === null ? `exit code ${String(code)}` : `signal ${signal}`;
  const why = failure?.message ?? lastErrorLine;
  return `${name}: ${how}${why === undefined ? '' : `, ${why}`}`;
}
