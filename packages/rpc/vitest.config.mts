import { packageTests } from '../../vitest.shared.mts';

// No test changes global state, so grpc-js is loaded once and not once for each file.
export default packageTests('rpc', import.meta.dirname, { isolate: false });
