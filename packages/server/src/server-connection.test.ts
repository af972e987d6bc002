import { describeServerConnection } from './testing/server-connection-contract.js';

describeServerConnection('in-process');
describeServerConnection('gRPC');
describeServerConnection('gRPC and files');
