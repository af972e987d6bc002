/** Values to choose from, by the name of what is chosen. */
export type Dimensions = Readonly<Record<string, readonly unknown[]>>;
/** One choice of each. */
export type Choice<D extends Dimensions> = { readonly [K in keyof D]: D[K][number] };

export interface PairwiseOptions<D extends Dimensions> {
  readonly dimensions: D;
  /** Names of those whose full product is taken. */
  readonly full: readonly (keyof D & string)[];
  readonly isLegal: (choice: Choice<D>) => boolean;
}

/** A choice as the index of the value taken in every dimension. */
type Row = readonly number[];

/**
 * Legal choices such that every legal combination of the `full` dimensions occurs, and every pair of values of any two dimensions that occurs
 * in some legal choice. Greedy: each choice is the one that covers most new pairs; the first of several. Enumerates the whole product.
 */
export function pairwiseCover<D extends Dimensions>({ dimensions, full, isLegal }: PairwiseOptions<D>): Choice<D>[] {
  const names = Object.keys(dimensions);
  const toChoice = (row: Row): Choice<D> => Object.fromEntries(names.map((name, d) => [name, dimensions[name][row[d]]])) as Choice<D>;
  const rows = product(names.map((name) => dimensions[name].length)).filter((row) => isLegal(toChoice(row)));
  const pairIds = pairNumbering(names.map((name) => dimensions[name].length));
  const covered = new Set<number>();
  const chosen: Row[] = [];
  const take = (candidates: readonly Row[]): void => {
    let [best, most] = [candidates[0], -1];
    for (const row of candidates) {
      let gain = 0;
      for (const pair of pairIds(row)) if (!covered.has(pair)) gain += 1;
      if (gain > most) [best, most] = [row, gain];
    }
    for (const pair of pairIds(best)) covered.add(pair);
    chosen.push(best);
  };
  for (const group of groupBy(rows, (row) => full.map((name) => row[names.indexOf(name)]).join()).values()) take(group);
  // What is left: rows that hold a pair which no choice has yet.
  for (let left = rows.filter(holdsNew); left.length > 0; left = left.filter(holdsNew)) take(left);
  return chosen.map(toChoice);

  function holdsNew(row: Row): boolean {
    return pairIds(row).some((pair) => !covered.has(pair));
  }
}

function product(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>((rows, size) => rows.flatMap((row) => Array.from({ length: size }, (_, value) => [...row, value])), [[]]);
}

/** A number for every pair of values of two dimensions. */
function pairNumbering(sizes: readonly number[]): (row: Row) => number[] {
  const begins: number[] = [];
  let values = 0;
  for (const size of sizes) {
    begins.push(values);
    values += size;
  }
  return (row) => row.flatMap((value, a) => row.slice(a + 1).map((other, i) => (begins[a] + value) * values + begins[a + 1 + i] + other));
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
