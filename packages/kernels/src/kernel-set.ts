import { shapeText } from '@bptt/core';
import type { GPU, IKernelRunShortcut, KernelOutput } from 'gpu.js';

/**
 * Iterations after which gpu.js would silently leave a loop whose bound it cannot prove (its default is 1000). Ours are compile-time
 * constants, so this only matters where a mode does not see that.
 */
const LOOP_ITERATIONS_MAX = 1 << 24;

/** A function of `src/kernels`; gpu.js reads its source, never calls it. */
export type KernelSource = (this: never, ...operands: never[]) => number;

/** One step of a plan: which kernel, compiled for which sizes, fed with what. */
export interface KernelCall {
  readonly kernel: KernelSource;
  readonly rows: number;
  readonly columns: number;
  /** Loop bounds. Everything else that varies goes in as an operand, because each set of constants is one more kernel to compile. */
  readonly constants?: Readonly<Record<string, number>>;
  readonly operands: readonly KernelOutput[];
}

/** The kernels of one plan, one for each source, output shape and set of constants. */
export interface KernelSet {
  /** Records a step while a plan is traced; the result is a handle, not a value. */
  call(step: KernelCall): KernelOutput;
}

export function createKernelSet(gpu: GPU): KernelSet {
  const shortcuts = new Map<string, IKernelRunShortcut>();
  return {
    call({ kernel, rows, columns, constants = {}, operands }) {
      const key = `${kernel.name} ${shapeText({ rows, columns })} ${JSON.stringify(constants)}`;
      let shortcut = shortcuts.get(key);
      if (shortcut === undefined) {
        shortcut = gpu.createKernel(kernel.toString(), { output: [columns, rows], constants, precision: 'single' });
        shortcut.setLoopMaxIterations(LOOP_ITERATIONS_MAX);
        shortcuts.set(key, shortcut);
      }
      return shortcut(...operands);
    },
  };
}
