import { describe, expect, it } from 'vitest';
import * as activation from './activation.kernel.js';
import * as gruGates from './gru-gates.kernel.js';
import * as lstmGates from './lstm-gates.kernel.js';
import * as matMul from './mat-mul.kernel.js';
import * as pointwise from './pointwise.kernel.js';
import * as reduction from './reduction.kernel.js';
import * as rowErrors from './row-errors.kernel.js';
import * as rows from './rows.kernel.js';
import * as softmax from './softmax.kernel.js';

const KERNELS = Object.entries({ ...activation, ...gruGates, ...lstmGates, ...matMul, ...pointwise, ...reduction, ...rowErrors, ...rows, ...softmax });

describe('kernels', () => {
  it.each(KERNELS)('%s stands alone: its source reads no import and holds no inner function', (_name, kernel) => {
    const source = kernel.toString();
    expect(source).not.toContain('__vite_ssr_import');
    expect(source).not.toContain('=>');
    expect(source.match(/function/g)).toHaveLength(1);
    expect(source.match(/this\.(?!thread|constants)/g)).toBeNull();
  });

  it('are named apart, because a plan finds them by name', () => {
    expect(new Set(KERNELS.map(([, kernel]) => kernel.name)).size).toBe(KERNELS.length);
  });
});
