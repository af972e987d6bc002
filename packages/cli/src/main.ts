import { errorLine, errorReport, EXIT, exitCodeOf, type ExitCode } from './exit-codes.js';
import { flushOutput, ignoreBrokenPipes } from './output.js';
import { isLaunched, tellParent } from './parent.js';
import { runProgram } from './program.js';

/** Runs the command line `words` (what follows `bptt`) and ends the process with its exit code. */
export async function main(words: readonly string[]): Promise<never> {
  ignoreBrokenPipes();
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) process.on(event, (error) => void fail(error));
  let exitCode: ExitCode;
  try {
    exitCode = await runProgram(words);
  } catch (error) {
    return fail(error);
  }
  await flushOutput();
  process.exit(exitCode);
}

/** The one place where an error becomes a line and an exit code. */
async function fail(error: unknown): Promise<never> {
  const exitCode = exitCodeOf(error);
  const isDebug = process.env['BPTT_DEBUG'] === '1';
  if (isLaunched() && exitCode !== EXIT.interrupted) await tellParent({ type: 'failed', message: errorLine(error), exitCode });
  if (!isLaunched() || isDebug) process.stderr.write(errorReport(error, isDebug));
  await flushOutput();
  process.exit(exitCode);
}
