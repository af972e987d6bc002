import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** Floors of the house: an import goes to the same floor's kind only where listed, otherwise down. */
const floors = [
  { sourceTag: 'type:contract', onlyDependOnLibsWithTags: [] },
  { sourceTag: 'type:math', onlyDependOnLibsWithTags: ['type:math'], bannedExternalImports: ['@grpc/*', 'gpu.js', 'commander', 'zod', '@stdlib/*'] },
  { sourceTag: 'type:kernel', onlyDependOnLibsWithTags: ['type:math', 'type:kernel'], bannedExternalImports: ['@grpc/*', 'commander', 'zod'] },
  { sourceTag: 'type:library', onlyDependOnLibsWithTags: ['type:math'], bannedExternalImports: ['@grpc/*', 'gpu.js', 'commander'] },
  { sourceTag: 'type:edge', onlyDependOnLibsWithTags: ['type:math', 'type:contract'], bannedExternalImports: ['gpu.js', 'commander'] },
  { sourceTag: 'type:runtime', onlyDependOnLibsWithTags: ['type:math', 'type:kernel', 'type:library', 'type:edge', 'type:contract'], bannedExternalImports: ['commander'] },
  { sourceTag: 'type:app', onlyDependOnLibsWithTags: ['*'] },
];

export default tseslint.config(
  { ignores: ['**/dist', '**/out-tsc', '**/gen', '**/build', '**/coverage', '**/test-output', 'packages/simd/src/assembly', '.nx', 'runs', '.bptt-cache'] },
  ...nx.configs['flat/base'],
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'max-lines-per-function': ['error', { max: 70, skipComments: true }],
      'max-lines': ['error', 400],
      'max-params': ['error', 5],
      'no-restricted-syntax': ['error', { selector: 'ExportDefaultDeclaration', message: 'Use named exports.' }],
      // Numeric code indexes typed arrays whose bounds its loops state.
      '@typescript-eslint/no-unnecessary-condition': 'error',
      '@nx/enforce-module-boundaries': ['error', { enforceBuildableLibDependency: true, banTransitiveDependencies: true, allow: [], depConstraints: floors }],
    },
  },
  {
    files: ['packages/core/src/**/*.ts'],
    ignores: ['packages/core/src/**/*.test.ts', 'packages/core/src/testing/**'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [{ regex: '^node:', message: 'core is pure math: no I/O, no Node built-ins.' }, { regex: '^vitest', message: 'test helpers live under /testing.' }] }],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Randomness is an argument: use a stream.' },
        { object: 'Math', property: 'pow', message: 'Its bits changed between Node versions.' },
        { object: 'Date', property: 'now', message: 'Time is an argument.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Use named exports.' },
        { selector: "BinaryExpression[operator='**']", message: 'Its bits changed between Node versions.' },
      ],
    },
  },
  { files: ['**/*.test.ts', '**/src/testing/**/*.ts', '**/vitest.config.mts'], rules: { 'max-lines-per-function': 'off', 'no-restricted-syntax': 'off' } },
);
