/** Where a command writes: what was asked for to stdout, warnings and errors to stderr. */
export interface Output {
  /** Writes a line to stdout. */
  line(text: string): void;
  /** Writes a warning to stderr. */
  warn(text: string): void;
}

/** The streams of this process. */
export const processOutput: Output = {
  line: (text) => process.stdout.write(`${text}\n`),
  warn: (text) => process.stderr.write(`bptt: warning: ${text}\n`),
};

/** A reader that goes away (`bptt ... | head`, or a `launch` that was killed) ends no run: what is written for it is dropped. */
export function ignoreBrokenPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}

/** Resolves when everything written so far has left the process. */
export async function flushOutput(): Promise<void> {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => {
    if (stream.destroyed || !stream.writable) resolve();
    else stream.write('', () => { resolve(); });
  })));
}
