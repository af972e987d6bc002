import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { BpttError } from '@bptt/core';
import { serveSteps, type StepWork } from './step-server.js';

/** What is written, and the exit code, when `lines` lines come in. */
async function serve(open: () => Promise<StepWork>, lines: number): Promise<{ readonly code: number; readonly output: string[]; readonly errors: string[] }> {
  const output: string[] = [];
  const errors: string[] = [];
  const into = (texts: string[]): Pick<NodeJS.WritableStream, 'write'> => ({ write: (text: string | Uint8Array) => texts.push(String(text)) > 0 });
  const code = await serveSteps(open, { input: Readable.from(['\n'.repeat(lines)]), output: into(output), error: into(errors) });
  return { code, output, errors };
}

describe('a process of the benchmark', () => {
  it('says what it is, makes a step for each line, and ends with its input', async () => {
    let closed = false;
    const work: StepWork = { executes: 'nothing', step: () => Promise.resolve(250), close: () => { closed = true; } };
    const { code, output, errors } = await serve(() => Promise.resolve(work), 2);
    expect({ code, errors, closed }).toEqual({ code: 0, errors: [], closed: true });
    expect(output.map((line) => JSON.parse(line) as unknown)).toEqual([{ peer: 'nothing', pids: [process.pid] }, { seconds: 0.25 }, { seconds: 0.25 }]);
  });

  it.each(['failed-precondition', 'invalid-argument'] as const)('says why it cannot take part: %s', async (code) => {
    expect(await serve(() => Promise.reject(new BpttError(code, 'no such backend')), 1)).toEqual({ code: 1, output: [], errors: ['unavailable: no such backend\n'] });
  });

  it('hides no other fault', async () => {
    await expect(serve(() => Promise.reject(new BpttError('internal', 'broken')), 1)).rejects.toThrow('broken');
  });
});
