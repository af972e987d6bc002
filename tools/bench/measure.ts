import type { Contender, Entrant } from './contender.js';
import { measureOpen } from './measure-open.js';
import { cpuSecondsOf, peakRssOf } from './process-usage.js';
import { ROUNDS_LIMIT_MS, runRounds, type Rounds, type Timing } from './rounds.js';
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
export function measureInTurn(entrants: readonly Entrant[], rounds: Rounds): Promise<(Measured | Skipped)[]> {
  return measureOpen<Entrant, Contender, Measured | Skipped>(entrants, async (open) => {
    const contenders = open.map(({ opened }) => opened);
    const before = contenders.map(({ pids }) => cpuSecondsOf(pids));
    const timings = await runRounds(contenders, rounds);
    return contenders.map(({ name, executes, pids }, i) => {
      const timing = timings[i];
      return 'firstStepMs' in timing
        ? { contender: name, skipped: tooSlow(timing.firstStepMs, rounds.count) }
        : { contender: name, executes, peakRssBytes: peakRssOf(pids), cores: coresOf(before[i], cpuSecondsOf(pids), timing.totalMs), ...timing };
    });
  }, (contender, skipped) => ({ contender, skipped }));
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
