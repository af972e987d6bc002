// Adds the results that Vitest left in each project's test-output/vitest.json and prints `N passed, N failed, N skipped`, last of all.
// Fails where a project that has tests left no results.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const projects = [...readdirSync(join(root, 'packages')).map((name) => join('packages', name)), 'test', 'tools'].filter((project) =>
  existsSync(join(root, project, 'vitest.config.mts')),
);

let [passed, failed, skipped, missing] = [0, 0, 0, 0];
for (const project of projects) {
  const file = join(root, project, 'test-output/vitest.json');
  if (!existsSync(file)) {
    console.log(`${project}: no test results`);
    missing += 1;
    continue;
  }
  const results = JSON.parse(readFileSync(file, 'utf8'));
  passed += results.numPassedTests;
  failed += results.numFailedTests + results.testResults.filter((suite) => suite.status === 'failed' && suite.assertionResults.length === 0).length;
  skipped += results.numPendingTests + results.numTodoTests;
}
console.log(`${passed} passed, ${failed + missing} failed, ${skipped} skipped`);
process.exitCode = failed + missing === 0 ? 0 : 1;
