import { packageTests } from '../../vitest.shared.mts';

export default packageTests('interop', import.meta.dirname);
