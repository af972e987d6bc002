import { packageTests } from '../../vitest.shared.mts';

export default packageTests('blas', import.meta.dirname);
