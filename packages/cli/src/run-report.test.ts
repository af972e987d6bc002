import { describe, expect, it } from 'vitest';
import { reportLines, reportObjects, type RunReport } from './run-report.js';

const report: RunReport = {
  result: { outcome: 'finished', reason: 'all steps done', step: 1200, trainLoss: 5, validLoss: Math.log(100), parametersSha256: 'ab'.repeat(32), tokensPerSecond: 4321.9 },
  runDirectory: 'runs/x',
  unigramLoss: Math.log(200),
  samples: ['call me.'],
};

describe('the report of a run', () => {
  it('ends with the hash of the parameters', () => {
    const lines = reportLines(report);
    expect(lines.at(-1)).toBe(`parameters sha256 ${'ab'.repeat(32)}`);
    expect(lines).toContain('validation loss 4.6052 nats/token, perplexity 100.00');
    expect(lines).toContain('add-one unigram model, same vocabulary and targets: loss 5.2983 nats/token, perplexity 200.00');
    expect(lines).toContain('sample 1: call me.');
    expect(lines[0]).toBe('finished after 1,200 steps');
  });

  it('ends in JSON with the event done, and not before', () => {
    const objects = reportObjects(report);
    expect(objects.map(({ event }) => event)).toEqual(['sample', 'done']);
    expect(objects.at(-1)).toMatchObject({ step: 1200, trainLoss: 5, parametersSha256: 'ab'.repeat(32), tokensPerSecond: 4321.9, unigramLoss: Math.log(200) });
  });

  it('never says done of a run that did not finish', () => {
    const result = { ...report.result, outcome: 'interrupted', reason: 'stopped', validLoss: NaN } as const;
    expect(JSON.stringify(reportObjects({ ...report, result }).at(-1))).toContain('"event":"interrupted","step":1200,"trainLoss":5,"validLoss":null');
    expect(reportLines({ ...report, result })[0]).toBe('interrupted after 1,200 steps: stopped');
  });
});
