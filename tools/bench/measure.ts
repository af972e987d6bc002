import { Unavailable, type Contender, type Entrant } from './contender.js';
import { cpuSecondsOf, peakRssOf } from './process-usage.js';
import { ROUNDS_LIMIT_MS, runRounds, type Timing } from './rounds.js';
import { threeDigits } from './text-table.js';

/** What a contender reached. */
export interface Measured extends Timing {
  readonly contender: string;
  readonly executes: string;
  /** Most memory of its processes; null where the system does not tell. */
  readonly peakRssBytes: number | null;
  /** Processor time of its processes by the time of its steps: 1 where one thread computes, more where others help; null where the system does not tell. */
  readonly cores: number | null;
}

/** A contender that did not take part, and why. */
export interface Skipped {
  readonly contender: string;
  readonly skipped: string;
}

/** Opens the entrants, lets those that are here work in turn, and closes them. In the order of `entrants`. */
export async function measureInTurn(entrants: readonly Entrant[], rounds: number): Promise<(Measured | Skipped)[]> {
  const open: Contender[] = [];
  const skipped = new Map<string, string>();
  try {
    for (const entrant of entrants) {
      try {
        open.push(await entrant.open());
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        skipped.set(entrant.name, error.message);
      }
    }
    const before = open.map(({ pids }) => cpuSecondsOf(pids));
    const timings = await runRounds(open, rounds);
    const results = new Map<string, Measured | Skipped>();
    for (const [i, { name, executes, pids }] of open.entries()) {
      const timing = timings[i];
      results.set(name, 'firstStepMs' in timing
        ? { contender: name, skipped: tooSlow(timing.firstStepMs, rounds) }
        : { contender: name, executes, peakRssBytes: peakRssOf(pids), cores: coresOf(before[i], cpuSecondsOf(pids), timing.totalMs), ...timing });
    }
    return entrants.map(({ name }) => results.get(name) ?? { contender: name, skipped: skipped.get(name) ?? 'unknown' });
  } finally {
    for (const contender of open) await contender.close();
  }
}

function coresOf(before: number | null, after: number | null, ms: number): number | null {
  return before === null || after === null ? null : ((after - before) * 1e3) / ms;
}

function tooSlow(firstStepMs: number, rounds: number): string {
  return `its first step took ${threeDigits(firstStepMs / 1e3)} s, so ${String(rounds)} rounds would take longer than ${String(ROUNDS_LIMIT_MS / 1e3)} s`;
}

/** The row of that contender, where it was measured. */
export function measuredRow<Row extends Measured>(rows: readonly (Row | Skipped)[], contender: string): Row | undefined {
  return rows.find((row): row is Row => row.contender === contender && !('skipped' in row));
}
