import { packageTests } from '../../vitest.shared.mts';

export default packageTests('simd', import.meta.dirname);
