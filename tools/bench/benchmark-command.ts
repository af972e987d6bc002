import { open, type FileHandle } from 'node:fs/promises';
import { endOnInterrupt } from './child-processes.js';

/** A benchmark that is run from the command line and writes a report. */
export interface BenchmarkCommand<Given, Report> {
  /** Script of `package.json`. */
  readonly name: string;
  readonly help: string;
  /** Undefined where help is asked for. @throws Error with one line for people, where the options are wrong */
  readonly parse: (words: readonly string[]) => Given | undefined;
  /** The report before anything is measured. */
  readonly begin: (given: Given) => Report;
  /** Measures and shows, and keeps in `report` what it has found so far. */
  readonly measure: (given: Given, report: Report) => Promise<void>;
}

/** Runs a benchmark with the words of this process, and sets its exit code: 2 where the options are wrong. What was found is written even where a part fails. */
export async function runCommand<Given extends { readonly out: string }, Report>({ name, help, parse, begin, measure }: BenchmarkCommand<Given, Report>): Promise<void> {
  endOnInterrupt();
  let given: Given | undefined;
  let file: FileHandle | undefined;
  try {
    given = parse(process.argv.slice(2));
    // Opened before anything is measured: a name that cannot be written shall not be known after minutes only.
    file = given && (await open(given.out, 'w'));
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
    return;
  }
  if (given === undefined || file === undefined) {
    process.stdout.write(help);
    return;
  }
  const report = begin(given);
  try {
    await measure(given, report);
  } finally {
    await file.writeFile(`${JSON.stringify(report, undefined, 2)}\n`);
    await file.close();
    print(`written to ${given.out}`);
  }
}

/** Shows a part of the report. */
export function print(text: string): void {
  process.stdout.write(`${text}\n\n`);
}
