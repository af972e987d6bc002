export { simdBackend, type SimdBackendOptions } from './simd-backend.js';
