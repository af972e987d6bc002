/** Rows of text as columns two spaces apart, the first row their heading; the first column to the left, the others to the right. */
export function textTable(rows: readonly (readonly string[])[], indent = ''): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => `${indent}${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ')}`.trimEnd());
}
