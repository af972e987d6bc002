/** Rows of text as columns under their heads; the first column to the left, the others to the right, the last to the left again. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const last = widths.length - 1;
  return rows.map((row) => row.map((cell, column) => (column === 0 || column === last ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ').trimEnd()).join('\n');
}

/** Three significant digits, no exponent: `0.0123`, `4.56`, `789`, `12300`. */
export function threeDigits(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Number(value.toPrecision(3)).toLocaleString('en-US', { useGrouping: false, maximumSignificantDigits: 3 });
}

/** `2.50x`, or `-` where there is nothing to compare with. */
export function times(ratio: number | null): string {
  return ratio === null ? '-' : `${threeDigits(ratio)}x`;
}

/** `12.3%`, or `-` where there is nothing to compare with. */
export function percent(share: number | null): string {
  return share === null ? '-' : `${threeDigits(share * 100)}%`;
}

/** Bytes in MiB, or `-` where they are not known. */
export function mebibytes(bytes: number | null): string {
  return bytes === null ? '-' : threeDigits(bytes / (1024 * 1024));
}

/** `1 thread`, `2 threads`. */
export function counted(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}
