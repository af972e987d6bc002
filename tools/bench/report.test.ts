import { describe, expect, it } from 'vitest';
import { headText, thisMachine, trainingText, transferText } from './report.js';

describe('the report', () => {
  it('shows what was measured beside what was skipped, with the reason', () => {
    const text = trainingText({
      workload: 'tutorial', truncation: 'window:4', sentences: 1, words: 20,
      rows: [
        { contender: 'simd', executes: 'simd/1 (WebAssembly SIMD)', tokensPerSecond: 2000, medianMs: 10, samplesMs: [10], timesPyTorch: null, timesNumPy: 12.5 },
        { contender: 'PyTorch', skipped: 'python3-torch not installed' },
      ],
    });
    expect(text.split('\n')).toEqual([
      'tutorial, window:4: 1 x 20 words a step',
      '         tokens/s  ms/step  PyTorch  NumPy  executes',
      'simd         2000       10        -  12.5x  simd/1 (WebAssembly SIMD)',
      'PyTorch         -        -        -      -  skipped: python3-torch not installed',
    ]);
  });

  it('shows transfers beside the raw stream', () => {
    const text = transferText([{ transfer: 'push', bytes: 6_472_004, mebibytesPerSecond: 150, rawMebibytesPerSecond: 300, ratio: 0.5, samplesMs: [], rawSamplesMs: [] }]);
    expect(text).toContain('push  6.47    150               300  0.5x');
  });

  it('warns where other programs are running', () => {
    const machine = { ...thisMachine(), loadBefore: 3 };
    expect(headText({ machine, rounds: 5 })).toContain('Other programs are running');
    expect(headText({ machine: { ...machine, loadBefore: 0.2 }, rounds: 5 })).not.toContain('Other programs');
  });
});
