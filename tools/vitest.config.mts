import { packageTests } from '../vitest.shared.mts';

export default packageTests('tools', import.meta.dirname, { include: ['bench/**/*.test.ts', 'tidy/**/*.test.ts'] });
