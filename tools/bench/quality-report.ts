import type { QualityRow, Reached } from './quality-clock.js';
import { textTable, threeDigits } from './text-table.js';

/** Seconds of training to each perplexity, and how low each came. */
export function qualityText(rows: readonly QualityRow[], targets: readonly number[]): string {
  const seconds = (reached: Reached | null | undefined): string => (reached ? threeDigits(reached.trainSeconds) : '-');
  const cells = rows.map((row) => {
    if ('skipped' in row) return [row.name, ...targets.map(() => '-'), '-', '-', '-', '-', `skipped: ${row.skipped}`];
    const { name, best, tokensPerSecond, executes } = row;
    return [
      name, ...targets.map((target) => seconds(row.targets.find((one) => one.target === target)?.reached)), best === null ? '-' : threeDigits(best.perplexity), seconds(best),
      best === null ? '-' : String(best.steps), threeDigits(tokensPerSecond), executes,
    ];
  });
  return textTable([['', ...targets.map((target) => `s to ${String(target)}`), 'best', 's', 'steps', 'tokens/s', 'executes'], ...cells]);
}
