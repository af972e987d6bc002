export * from './backend-contract.js';
export * from './fixtures.js';
export * from './pairwise.js';
export * from './optimizer-contract.js';
export * from './golden.js';
export * from './golden-contract.js';
export * from './relative-distance.js';
