import { packageTests } from '../../vitest.shared.mts';

export default packageTests('data', import.meta.dirname);
