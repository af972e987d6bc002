import { packageTests } from '../../vitest.shared.mts';

export default packageTests('kernels', import.meta.dirname);
