import { packageTests } from '../../vitest.shared.mts';

export default packageTests('trainer', import.meta.dirname);
