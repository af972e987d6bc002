import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** Vitest settings of one workspace package: workspace imports resolve to source, and results are counted from a JSON file. */
export function packageTests(name: string, root: string, test: NonNullable<ViteUserConfig['test']> = {}): ViteUserConfig {
  return defineConfig({
    root,
    ssr: { resolve: { conditions: ['@bptt/source'] } },
    test: {
      name,
      environment: 'node',
      include: ['src/**/*.test.ts'],
      reporters: ['default', 'json'],
      outputFile: { json: 'test-output/vitest.json' },
      testTimeout: 30_000,
      hookTimeout: 30_000,
      ...test,
    },
  });
}
