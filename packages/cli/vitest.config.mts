import { packageTests } from '../../vitest.shared.mts';

export default packageTests('cli', import.meta.dirname);
