import { describe, expect, it } from 'vitest';
import { cpuSecondsOf, parseUsage, peakRssOf } from './process-usage.js';

const FILES = {
  stat: '7 (a (b) c) S 1 7 7 0 -1 4194560 1 0 0 0 250 75 0 0 20 0 1 0 5 1000 20',
  status: 'Name:\ta\nVmHWM:\t    2048 kB\nVmRSS:\t 10 kB\n',
  io: 'rchar: 30\nwchar: 40\nsyscr: 1\n',
};

describe('what a process has used', () => {
  it('is read from the files of the system', () => {
    expect(parseUsage(FILES)).toEqual({ cpuSeconds: 3.25, peakRssBytes: 2048 * 1024, bytesIn: 30, bytesOut: 40 });
  });

  it('is unknown of a process that has ended', () => {
    expect(parseUsage({ ...FILES, status: 'Name:\ta\n' })).toBeUndefined();
  });

  it('is unknown where one process of several is gone, and where there is none', () => {
    expect([peakRssOf([]), cpuSecondsOf([])]).toEqual([null, null]);
    expect(peakRssOf([process.pid, 2 ** 30])).toBeNull();
  });
});
