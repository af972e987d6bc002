import { EXIT, type ExitCode } from '../exit-codes.js';
import { processOutput } from '../output.js';
import { readRecipe, recipeNames, type Recipe } from '../recipes.js';

/** `bptt recipes [name]`: all recipes, a line each, or one with its sources, expected numbers and settings. */
export function recipes(name: string | undefined, { json = false }: { readonly json?: boolean }): ExitCode {
  const chosen = (name === undefined ? recipeNames() : [name]).map(readRecipe);
  for (const recipe of chosen) {
    if (json) processOutput.line(JSON.stringify({ event: 'recipe', ...recipe }));
    else for (const line of name === undefined ? [`${recipe.name}: ${recipe.title}`] : recipeLines(recipe)) processOutput.line(line);
  }
  return EXIT.done;
}

function recipeLines({ name, title, sources, expected, differs, settings }: Recipe): string[] {
  const list = (heading: string, entries: readonly string[]): string[] => entries.map((entry) => `${heading}: ${entry}`);
  return [
    `${name}: ${title}`,
    ...list('source', sources),
    ...list('expected', expected),
    ...list('differs', differs),
    ...Object.entries(settings).map(([key, value]) => `  ${key} ${String(value)}`),
  ];
}
