import { describe, expect, it } from 'vitest';
import { reportLines, reportObjects, type RunReport } from './run-report.js';

const report: RunReport = {
  result: { outcome: 'finished', reason: 'all steps done', step: 1200, trainLoss: 5, validLoss: Math.log(100), bestValidLoss: Math.log(100), parametersSha256: 'ab'.repeat(32), tokensPerSecond: 4321.9 },
  runDirectory: 'runs/x',
  stepsTotal: 1200,
  unknownShare: 0.0525,
  unigramLoss: Math.log(200),
  samples: ['call me.'],
};

describe('the report of a run', () => {
  it('ends with the hash of the parameters', () => {
    const lines = reportLines(report);
    expect(lines.at(-1)).toBe(`parameters sha256 ${'ab'.repeat(32)}`);
    expect(lines).toContain('validation loss 4.6052 nats/token, perplexity 100.00; 5.25% of the targets are UNKNOWN_TOKEN');
    expect(lines).toContain('add-one unigram model, same vocabulary and targets: loss 5.2983 nats/token, perplexity 200.00');
    expect(lines).toContain('sample 1: call me.');
    expect(lines[0]).toBe('finished after 1,200 steps');
  });

  it('says where the best parameters are when they are not the last ones, and why a run ended early', () => {
    const lines = reportLines({ ...report, stepsTotal: 5000, result: { ...report.result, reason: 'no patience left', bestValidLoss: Math.log(90) } });
    expect(lines[0]).toBe('finished after 1,200 steps: no patience left');
    expect(lines).toContain('best validation loss 4.4998 nats/token, perplexity 90.00: runs/x/checkpoints/best.safetensors');
    expect(reportLines(report).join()).not.toContain('best validation');
  });

  it('ends in JSON with the event done, and not before', () => {
    const objects = reportObjects(report);
    expect(objects.map(({ event }) => event)).toEqual(['sample', 'done']);
    expect(objects.at(-1)).toMatchObject({ step: 1200, trainLoss: 5, parametersSha256: 'ab'.repeat(32), tokensPerSecond: 4321.9, unigramLoss: Math.log(200), bestValidLoss: Math.log(100), unknownShare: 0.0525 });
  });

  it('never says done of a run that did not finish', () => {
    const result = { ...report.result, outcome: 'interrupted', reason: 'stopped', validLoss: NaN } as const;
    expect(JSON.stringify(reportObjects({ ...report, result }).at(-1))).toContain('"event":"interrupted","step":1200,"trainLoss":5,"validLoss":null');
    expect(reportLines({ ...report, result })[0]).toBe('interrupted after 1,200 steps: stopped');
  });
});
