/** What is told of many numbers. */
export interface Distribution {
  readonly mean: number;
  readonly median: number;
  /** The 10th and 90th percentile. */
  readonly p10: number;
  readonly p90: number;
  readonly max: number;
  /** How many there are, at least 1. */
  readonly count: number;
}

/** Describes `values`; undefined where there are none. Numbers that are not finite count as the largest, NaN as the very largest. */
export function distributionOf(values: readonly number[]): Distribution | undefined {
  if (values.length === 0) return undefined;
  const sorted = Float64Array.from(values).sort();
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const [p10, median, p90, max] = [0.1, 0.5, 0.9, 1].map((share) => quantile(sorted, share));
  return { mean, median, p10, p90, max, count: sorted.length };
}

/** The value below which `share` of the ascending `sorted` lie, by linear interpolation between two of them. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  return at === below ? sorted[below] : sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
}
