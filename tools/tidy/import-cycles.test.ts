import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Files that `file` needs at run time: its relative imports and exports, those of types alone left out. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = [...text.matchAll(/^(?:import|export)\s+(?!type\s)[^;'"]*?from\s+'(\.[^']+)\.js'/gm), ...text.matchAll(/^import\s+'(\.[^']+)\.js'/gm)];
  return found.filter(([statement]) => !/^(?:import|export)\s*\{(?:\s*type\s[^,}]+,?)+\s*\}/.test(statement)).map((match) => `${join(dirname(file), match[1])}.ts`);
}

/** A cycle as a path from a file back to itself, or undefined where there is none. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    done.add(file);
    path.push(file);
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    return undefined;
  };
  for (const file of graph.keys()) {
    const cycle = visit(file);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

test('finds a cycle where there is one', () => {
  expect(findCycle(new Map([['a', ['b', 'c']], ['b', []], ['c', ['d']], ['d', ['c']]]))).toEqual(['c', 'd', 'c']);
});

test('no file of a package imports itself through others', () => {
  const files = sourceFiles();
  expect(files.length).toBeGreaterThan(150);
  const graph = new Map(files.map((file) => [file, importsOf(file)]));
  expect([...graph.values()].flat().length).toBeGreaterThan(300);
  expect(findCycle(graph)?.map((file) => relative(root, file))).toBeUndefined();
});

function sourceFiles(): string[] {
  const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name, 'src'));
  const files = packages.flatMap((src) => readdirSync(src, { recursive: true, encoding: 'utf8' }).map((file) => join(src, file)));
  return files.filter((file) => file.endsWith('.ts') && !file.includes('/gen/') && !file.includes('/assembly/'));
}
