import type { RunEvent } from '@bptt/server';
import { describe, expect, it } from 'vitest';
import { jsonReporter, plainReporter } from './run-reporter.js';

function sink(): { write(text: string): void; text: string } {
  return { text: '', write(text) { this.text += text; } };
}

function step(number: number): RunEvent {
  return { event: 'step', step: number, epoch: 0, trainLoss: 5, gradientNorm: 0.5, clipped: false, learningRate: 1, tokens: 10, tokensPerSecond: 99, outcome: 'updated' };
}

const started: RunEvent = { event: 'started', runId: 'ab'.repeat(32), step: 0, stepsTotal: 100, resumed: false };
const validation: Extract<RunEvent, { event: 'validation' }> = { event: 'validation', step: 50, validLoss: 4, learningRate: 2, improved: false, restored: false, averaged: false };

describe('plainReporter in a pipe', () => {
  it('writes few lines, each whole, and the same ones every time', () => {
    const [stdout, stderr] = [sink(), sink()];
    const reporter = plainReporter({ stdout, stderr, terminal: false, nowMs: () => 0 });
    reporter.event(started);
    for (let i = 1; i <= 100; i += 1) reporter.event(step(i));
    reporter.event({ ...validation, step: 40, learningRate: 0.1 + 0.2, improved: true, averaged: true });
    reporter.event({ ...validation, step: 45, restored: true });
    reporter.event(validation);
    reporter.end();
    const lines = stdout.text.trimEnd().split('\n');
    expect(lines.at(-3)).toBe('validation at step 40: loss 4.0000, perplexity 54.60, learning rate 0.3, of the average, best so far');
    expect(lines.at(-2)).toBe('validation at step 45: loss 4.0000, perplexity 54.60, learning rate 2, best parameters restored');
    expect(lines.filter((line) => line.startsWith('step '))).toHaveLength(20);
    expect(lines.at(-1)).toBe('validation at step 50: loss 4.0000, perplexity 54.60, learning rate 2');
    expect(stdout.text).not.toMatch(/[\r\u001b]/);
    expect(stderr.text).toBe('');
  });

  it('sends warnings to stderr', () => {
    const [stdout, stderr] = [sink(), sink()];
    const reporter = plainReporter({ stdout, stderr, terminal: false });
    reporter.event({ event: 'warning', message: 'disk slow' });
    reporter.event({ event: 'non-finite', step: 3, location: undefined, policy: 'skip' });
    reporter.event({ event: 'worker-left', workerId: 'w1', name: 'host:1', reason: 'left' });
    reporter.event({ event: 'worker-left', workerId: 'w2', name: 'host:2', reason: 'silent' });
    reporter.event({ event: 'lease-expired', workerId: 'w2', step: 1_000, node: { begin: 4, width: 2 }, reason: 'time' });
    expect(stderr.text.split('\n')).toEqual([
      'bptt: warning: disk slow', 'bptt: warning: step 3: gradient not finite (in a sum); policy skip', 'bptt: warning: worker w2 (host:2) is gone: silent',
      'bptt: warning: step 1,000: microshards 4 to 5 go from worker w2 to another (time)', '',
    ]);
    expect(stdout.text).toBe('');
  });
});

describe('plainReporter at a terminal', () => {
  it('updates one line, not too often, and never wider than the terminal', () => {
    const stdout = sink();
    let now = 0;
    const reporter = plainReporter({ stdout, stderr: sink(), terminal: true, columns: () => 20, nowMs: () => now });
    reporter.event(started);
    stdout.text = '';
    for (let i = 1; i <= 10; i += 1) {
      now += 30;
      reporter.event(step(i));
    }
    const updates = stdout.text.split('\r').slice(1);
    expect(updates).toHaveLength(3);
    expect(stdout.text).not.toContain('\n');
    for (const update of updates) expect(update.replace('\u001b[K', '').length).toBeLessThan(20);
    reporter.event(validation);
    expect(stdout.text).toContain('\r\u001b[Kvalidation at step 50');
    reporter.end();
    expect(stdout.text.endsWith('\n')).toBe(true);
  });
});

describe('jsonReporter', () => {
  it('writes one object a line, null for what is not a number, and leaves the end to the report', () => {
    const stdout = sink();
    const reporter = jsonReporter(stdout);
    reporter.note('for people');
    reporter.event({ ...validation, validLoss: NaN });
    reporter.event({ event: 'done', outcome: 'finished', reason: '', step: 1, trainLoss: 1, validLoss: 1, bestValidLoss: 1, parametersSha256: '', tokensPerSecond: 1 });
    reporter.end();
    expect(stdout.text).toBe('{"event":"validation","step":50,"validLoss":null,"learningRate":2,"improved":false,"restored":false,"averaged":false}\n');
  });
});
