export * from './backend-contract.js';
export * from './fixtures.js';
export * from './pairwise.js';
export * from './optimizer-contract.js';
export * from './relative-distance.js';
