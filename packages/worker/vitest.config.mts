import { packageTests } from '../../vitest.shared.mts';

export default packageTests('worker', import.meta.dirname);
