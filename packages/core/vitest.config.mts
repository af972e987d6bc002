import { packageTests } from '../../vitest.shared.mts';

export default packageTests('core', import.meta.dirname, {
  coverage: { enabled: true, provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary'], thresholds: { lines: 90 } },
});
