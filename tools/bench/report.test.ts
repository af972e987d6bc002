import { describe, expect, it } from 'vitest';
import { productsPerStep, productTable, vectorRows } from './limits-table.js';
import { disturbanceText, headText, limitsText, thisMachine, trainingText, transferText } from './report.js';
import { trainingTable } from './training-table.js';
import { WORKLOADS } from './workload.js';

describe('the report', () => {
  it('shows what was measured beside what was skipped, with the reason', () => {
    const text = trainingText(trainingTable(WORKLOADS[0], [
      { contender: 'simd', executes: 'simd/1 (WebAssembly SIMD)', medianMs: 10, samplesMs: [10], totalMs: 10, cores: 1.02, peakRssBytes: 104_857_600 },
      { contender: 'PyTorch', skipped: 'python3-torch not installed' },
      { contender: 'NumPy tutorial', executes: 'numpy 1.24', medianMs: 125, samplesMs: [125], totalMs: 125, cores: null, peakRssBytes: null },
    ], { sgemmGflopPerSecond: 90 }));
    expect(text.split('\n')).toEqual([
      'tutorial, window:4: 1 x 20 words a step, 0.0972 GFLOP; one thread, K = 1',
      '                tokens/s  ms/step  GFLOP/s  of sgemm  PyTorch  NumPy  TF.js  cores  peak MiB  executes',
      'simd                2000       10     9.72     10.8%        -  12.5x      -   1.02       100  simd/1 (WebAssembly SIMD)',
      'PyTorch                -        -        -         -        -      -      -      -         -  skipped: python3-torch not installed',
      'NumPy tutorial       160      125    0.778    0.864%        -     1x      -      -         -  numpy 1.24',
    ]);
  });

  it('says that the GPU computed, where it did', () => {
    const table = trainingTable(WORKLOADS[0], [{ contender: 'gpu webgpu', skipped: 'device lost' }], { computes: 'the GPU, and one thread beside it' });
    expect(trainingText(table)).toContain('0.0972 GFLOP; the GPU, and one thread beside it, K = 1\n');
  });

  it('shows the limits of the machine', () => {
    const row = { executes: 'x', samplesMs: [], totalMs: 1, cores: null, peakRssBytes: null };
    const shape = { m: 640, k: 200, n: 10_000 };
    const table = productTable(shape, 2, [{ ...row, contender: 'OpenBLAS sgemm', medianMs: 51.2 }, { ...row, contender: 'simd', medianMs: 102.4 }, { ...row, contender: 'reference', medianMs: 2560 }]);
    const large = productTable({ m: 1024, k: 1024, n: 1024 }, 4, [{ ...row, contender: 'OpenBLAS sgemm', medianMs: 85.89934592 }]);
    const vectors = vectorRows([large], [{ ...row, contender: 'simd', medianMs: 171.79869184 }, { contender: 'simd-relaxed', skipped: 'no FMA' }]);
    expect(limitsText({ products: [table], vectors, memoryCopy: { contender: 'memory copy', skipped: 'not installed' } }).split('\n')).toEqual([
      'Products on one thread',
      '[640,200]x[200,10000]  GFLOP/s  of sgemm  executes',
      'OpenBLAS sgemm             100        1x  x',
      'simd                        50      0.5x  x',
      'reference                    1     0.01x  x',
      '128-bit vectors in registers  GFLOP/s  of sgemm  executes',
      'simd                               25     0.25x  x',
      'simd-relaxed                        -         -  skipped: no FMA',
      'memory copy: skipped: not installed',
    ]);
    expect([shape, { m: 64, k: 512, n: 512 }, { m: 1, k: 1, n: 1 }].map(productsPerStep)).toEqual([4, 64, 64]);
  });

  it('shows transfers beside the raw stream', () => {
    const text = transferText([{ transfer: 'push', way: 'gRPC', bytes: 6_472_004, mebibytesPerSecond: 150, rawMebibytesPerSecond: 300, ratio: 0.5, samplesMs: [], rawSamplesMs: [] }]);
    expect(text).toContain('push, gRPC  6.47    150               300  0.5x');
  });

  it('says how much others were in the way', () => {
    expect(disturbanceText({ waitedMs: 12_340, repeated: 3, disturbed: 2, turns: 40 })).toBe(
      'Other programs: waited 12.3 s for them; of 40 turns 3 were made again, and 2 count although they were seen to be disturbed.');
  });

  it('warns where other programs are running', () => {
    const machine = { ...thisMachine(), loadBefore: 3 };
    expect(headText(machine, 5)).toContain('Other programs are running');
    expect(headText({ ...machine, loadBefore: 0.2 }, 5)).not.toContain('Other programs');
    expect(headText(machine, 5)).not.toContain('trial');
    expect(headText(machine, 2)).toContain('Fewer than 5 rounds: a trial, no result.');
  });
});
