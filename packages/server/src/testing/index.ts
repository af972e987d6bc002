export * from './reference-worker.js';
export * from './server-connection-contract.js';
export * from './test-server.js';
export * from './tiny-run.js';
