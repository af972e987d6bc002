import { readFileSync } from 'node:fs';

/** What the system knows of a process; it tells on Linux alone. */
export interface ProcessUsage {
  /** Processor time of all its threads since it began, in the program and in the system. */
  readonly cpuSeconds: number;
  /** Most memory that was resident at a time. */
  readonly peakRssBytes: number;
  /** Bytes that went into it and out of it by reading and writing: sockets, pipes and files. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Clock ticks of `/proc/<pid>/stat` in a second: USER_HZ, which Linux has fixed for programs. */
const TICKS_PER_SECOND = 100;
const KIBIBYTE = 1024;

/** What a process has used until now; undefined where it is gone or the system does not tell. */
export function readUsage(pid: number): ProcessUsage | undefined {
  try {
    const read = (name: string): string => readFileSync(`/proc/${String(pid)}/${name}`, 'utf8');
    return parseUsage({ stat: read('stat'), status: read('status'), io: read('io') });
  } catch {
    return undefined;
  }
}

/** Reads the files `stat`, `status` and `io` of a process; undefined where one does not hold what it should, as of a process that has ended. */
export function parseUsage({ stat, status, io }: { readonly stat: string; readonly status: string; readonly io: string }): ProcessUsage | undefined {
  // The second field is the name in brackets, in which anything may stand.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const numberAfter = (text: string, label: RegExp): number => Number(label.exec(text)?.at(1));
  const usage = {
    cpuSeconds: (Number(fields.at(11)) + Number(fields.at(12))) / TICKS_PER_SECOND,
    peakRssBytes: numberAfter(status, /^VmHWM:\s+(\d+) kB/m) * KIBIBYTE,
    bytesIn: numberAfter(io, /^rchar: (\d+)/m),
    bytesOut: numberAfter(io, /^wchar: (\d+)/m),
  };
  return Object.values(usage).every(Number.isFinite) ? usage : undefined;
}

/** Most memory that was resident in each of the processes, added up; null where there are none or the system does not tell. */
export function peakRssOf(pids: readonly number[]): number | null {
  return sumOver(pids, ({ peakRssBytes }) => peakRssBytes);
}

/** Processor time of the processes together; null where there are none or the system does not tell. */
export function cpuSecondsOf(pids: readonly number[]): number | null {
  return sumOver(pids, ({ cpuSeconds }) => cpuSeconds);
}

function sumOver(pids: readonly number[], read: (usage: ProcessUsage) => number): number | null {
  const usages = pids.map(readUsage).filter((usage) => usage !== undefined);
  return pids.length === 0 || usages.length < pids.length ? null : usages.reduce((sum, usage) => sum + read(usage), 0);
}
