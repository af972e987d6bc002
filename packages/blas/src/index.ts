export { blasBackend } from './blas-backend.js';
export { openBlas, type BlasLibrary } from './library.js';
