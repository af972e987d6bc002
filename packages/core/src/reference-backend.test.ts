import { referenceBackend } from './reference-backend.js';
import { describeBackend, describeGoldenModels } from './testing/index.js';

describeBackend('reference float32', () => referenceBackend({ precision: 'float32' }));
describeBackend('reference float64', () => referenceBackend({ precision: 'float64' }), { tolerance: 1e-12 });
describeGoldenModels('reference float32', () => referenceBackend({ precision: 'float32' }));
describeGoldenModels('reference float64', () => referenceBackend({ precision: 'float64' }));
