import { describe, expect, it } from 'vitest';
import { parseArguments, PARTS } from './arguments.js';

describe('the options of the benchmark', () => {
  it('measure everything five times unless told otherwise', () => {
    expect(parseArguments([])).toEqual({ parts: new Set(PARTS), rounds: 5, waitMs: 300_000, out: 'bench-results.json' });
    expect(parseArguments(['--only', 'lstm-200,limits', '--rounds', '7'])).toMatchObject({ parts: new Set(['lstm-200', 'limits']), rounds: 7 });
    expect(parseArguments(['--quick'])?.parts).toContain('tutorial');
    expect(parseArguments(['--help'])).toBeUndefined();
  });

  it.each([
    [['--only', 'lstm-7'], /--only: expected some of limits, tutorial, .*got "lstm-7"/],
    [['--wait', 'long'], /--wait: expected seconds from 0 to 86400, got long/],
    [['--rounds', '0'], /--rounds: expected a whole number from 1 to 1000, got 0/],
    [['--quick', '--only', 'limits'], /either --quick or --only/],
    [['--nonsense'], /Unknown option/],
  ])('refuse %s', (words, message) => {
    expect(() => parseArguments(words)).toThrow(message);
  });
});
