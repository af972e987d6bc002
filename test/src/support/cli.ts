import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

const COMMAND = fileURLToPath(new URL('../../../packages/cli/bin/bptt.js', import.meta.url));
/** How long a test waits for something that a process shall do. */
const WAIT_MS = 60_000;

/** How a command ended and what it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with the match once stdout or stderr holds it. */
  shows(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Starts `bptt words` in `cwd`, in a process group of its own as a terminal would; `input` is its standard input. */
export function startBptt(cwd: string, words: readonly string[], input = ''): Running {
  const child = spawn(process.execPath, [COMMAND, ...words], { cwd, detached: true, stdio: 'pipe', env: { ...process.env, FORCE_COLOR: '0', BPTT_DEBUG: '' } });
  child.stdin.on('error', () => undefined).end(input);
  const written = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => { resolve({ code, ...written }); }));
  return {
    process: child,
    ended,
    shows: (pattern) => new Promise((resolve, reject) => {
      const describe = (what: string): Error => new Error(`${what} before ${String(pattern)} came; stdout: ${written.stdout}; stderr: ${written.stderr}`);
      const timer = setTimeout(() => { reject(describe('time was over')); }, WAIT_MS);
      const look = (): void => {
        const match = pattern.exec(written.stdout) ?? pattern.exec(written.stderr);
        if (match === null) return;
        clearTimeout(timer);
        listeners.delete(look);
        resolve(match);
      };
      listeners.add(look);
      look();
      void ended.then(() => { reject(describe('the command ended')); });
    }),
  };
}

/** Runs `bptt words` in `cwd` to its end. */
export function bptt(cwd: string, ...words: readonly string[]): Promise<Ended> {
  return startBptt(cwd, words).ended;
}

const folders: string[] = [];
afterAll(() => { for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 }); });

/** A new folder, removed after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bptt-cli-'));
  folders.push(folder);
  return folder;
}

const WORDS = 'the whale sea ship captain man white old boat harpoon sailor wind wave night day deck mast crew ocean storm'.split(' ');

/** `count` sentences of a rule that can be learnt, five in a paragraph, about seven words each out of twenty. */
export function storyText(count = 300): string {
  return Array.from({ length: count }, (_, i) => {
    const words = Array.from({ length: 4 + (i % 7) }, (_unused, t) => WORDS[(i * 7 + t * t * 3) % WORDS.length]);
    return `${words.join(' ')}.${i % 5 === 4 ? '\n\n' : ' '}`;
  }).join('');
}

/** Writes `storyText` to `folder/story.txt`. */
export function writeStory(folder: string): void {
  writeFileSync(join(folder, 'story.txt'), storyText());
}

/** Options of a run that takes a second. */
export const SMALL_RUN = ['--vocabulary', '24', '--hidden', '12', '--batch', '16', '--microshards', '8', '--lr', '1'] as const;

/** The hash that a finished run prints last. */
export function printedSha256({ stdout }: Ended): string {
  const hash = /\nparameters sha256 ([0-9a-f]{64})\n$/.exec(stdout)?.[1];
  if (hash === undefined) throw new Error(`no hash at the end of: ${stdout}`);
  return hash;
}

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves with those of `pids` that are still there after `waitMs`, or as soon as none is. */
export async function survivors(pids: readonly number[], waitMs: number): Promise<number[]> {
  const endMs = performance.now() + waitMs;
  while (pids.some(isAlive) && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 50));
  return pids.filter(isAlive);
}
