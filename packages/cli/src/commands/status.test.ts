import { describe, expect, it } from 'vitest';
import { statusLines } from './status.js';

describe('statusLines', () => {
  it('show the run, its numbers and its workers', () => {
    const lines = statusLines({
      runId: 'ab'.repeat(32), state: 'RUN_STATE_TRAINING', stepAcknowledged: 1200, stepDurable: 1000, stepsTotal: 5000, trainLoss: 5, validLoss: NaN, gradientNorm: 0.25,
      tokensPerSecond: 9876.5, leasesExpired: 2, stepsNonFinite: 1, backendId: 'simd/1', eventLoopPauseMsMax: 12.3,
      workers: [{ workerId: 'w1', name: 'host:7', threads: 2, microshardsDone: 640, silenceMs: 15, leasesExpired: 2 }],
    });
    expect(lines).toEqual([
      'run abababababababab: training, backend simd/1',
      'steps 1,200 acknowledged, 1,000 durable, of 5,000',
      'training loss 5.0000, validation loss none (perplexity none), |g| 0.250',
      '9,877 tokens/s, leases expired 2, steps not finite 1, longest pause of the event loop 12 ms',
      'worker w1 host:7: threads 2, microshards 640, heard 15 ms ago, leases expired 2',
    ]);
  });
});
