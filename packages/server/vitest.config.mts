import { packageTests } from '../../vitest.shared.mts';

export default packageTests('server', import.meta.dirname);
