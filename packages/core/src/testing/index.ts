export * from './backend-contract.js';
export * from './fixtures.js';
