import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BpttError } from '@bptt/core';

/** Published settings, with the results that are known of them. */
export interface Recipe {
  readonly name: string;
  readonly title: string;
  readonly sources: readonly string[];
  /** What was reached with it, and on what. */
  readonly expected: readonly string[];
  /** Where a run here is not quite the same. */
  readonly differs: readonly string[];
  /** As in a configuration file. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** The same place from `src/` and from `dist/`. */
const FOLDER = fileURLToPath(new URL('../recipes/', import.meta.url));

export function recipeNames(): string[] {
  return readdirSync(FOLDER).filter((name) => name.endsWith('.json')).map((name) => basename(name, '.json')).sort();
}

/** @throws BpttError `invalid-argument` for a name that no recipe has */
export function readRecipe(name: string): Recipe {
  const names = recipeNames();
  if (!names.includes(name)) throw new BpttError('invalid-argument', `recipe: expected one of ${names.join(', ')}, got ${JSON.stringify(name)}`);
  return { name, ...(JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Omit<Recipe, 'name'>) };
}
