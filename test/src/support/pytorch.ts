import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';

const SCRIPTS = join(import.meta.dirname, '../../../tools/torch');
/** Debian's Python, whose packages apt installs, before whatever else is called python3. */
const PYTHONS = ['/usr/bin/python3', 'python3'];

/** A Python that has PyTorch, or why there is none. */
export type PyTorch = { readonly python: string } | { readonly missing: string };

/** Looks for PyTorch. Blocks for the seconds that an import takes. */
export function findPyTorch(): PyTorch {
  let reason = '';
  for (const python of PYTHONS) {
    try {
      execFileSync(python, ['-c', 'import torch'], { stdio: 'pipe' });
      return { python };
    } catch (error) {
      reason = error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error);
    }
  }
  return { missing: `needs Debian's python3-torch: ${reason}` };
}

/** How a script of `tools/torch` ended and what it printed. */
export interface ScriptEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script of `tools/torch` in `cwd`. */
export function runScript(python: string, cwd: string, [script, ...words]: readonly [string, ...string[]]): Promise<ScriptEnd> {
  return new Promise((resolve) => {
    execFile(python, [join(SCRIPTS, script), ...words], { cwd, env: { ...process.env, OMP_NUM_THREADS: '1' } }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}
