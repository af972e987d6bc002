import type { Arena } from './arena.js';
import type { Kernels } from './kernels.js';

/** A matrix somewhere in memory, whose rows are `stride` bytes apart. */
export interface Block {
  readonly address: number;
  readonly stride: number;
}

/** The left operand of a product. */
export interface LeftOperand extends Block {
  /** Whether it is used transposed. */
  readonly transposed: boolean;
}

/** The right operand of a product. */
export interface RightOperand extends LeftOperand {
  /** Where it is packed as the kernel wants it, or 0. */
  readonly panels: number;
}

/** Rows and columns of a product, and the size that is summed over. */
export interface ProductShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** Who multiplies matrices. */
export interface Products {
  /** `out [m, n] = op(left) op(right) + base`. `base` may be `out`; one with stride 0 is a row that is added to every row. */
  multiply(shape: ProductShape, left: LeftOperand, right: RightOperand, out: Block, base?: Block): void;
  /** `right` made ready for several products with as many rows as there are; what that takes comes from the arena. Its values must not change meanwhile. */
  prepare({ n, k }: Pick<ProductShape, 'n' | 'k'>, right: LeftOperand, arena: Pick<Arena, 'allocate'>): RightOperand;
  /** A parameter made ready for all products until it changes, of few rows or many. */
  keep({ n, k }: Pick<ProductShape, 'n' | 'k'>, right: LeftOperand, arena: Pick<Arena, 'allocate'>): RightOperand;
}

/** The products of the kernels, and what others may need beside their own. */
export interface KernelProducts extends Products {
  /** Copies `rows` x `columns` floats; from stride 0 the same row to every row. */
  copy(from: Block, size: { readonly rows: number; readonly columns: number }, to: Block): void;
  /** `from` `[rows, columns]` transposed, `[columns, rows]` without gaps, to `address`. */
  transpose(from: Block, size: { readonly rows: number; readonly columns: number }, address: number): void;
}

const NO_BASE: Block = { address: 0, stride: 0 };

/** The products of `assembly/mat-mul.ts`. */
export function kernelProducts(kernels: Kernels): KernelProducts {
  const prepare: Products['prepare'] = ({ n, k }, right, arena) => {
    const panels = arena.allocate(kernels.panelBytes(n, k));
    kernels.packPanels(n, k, right.address, right.stride, right.transposed, panels);
    return { ...right, panels };
  };
  return {
    prepare,
    keep: prepare,
    multiply({ m, n, k }, a, b, out, base = NO_BASE) {
      kernels.matMul(m, n, k, a.address, a.stride, a.transposed, b.address, b.stride, b.transposed, out.address, out.stride, base.address, base.stride, b.panels);
    },
    copy(from, { rows, columns }, to) {
      kernels.copyBlock(from.address, from.stride, rows, columns, to.address, to.stride);
    },
    transpose(from, { rows, columns }, address) {
      kernels.transpose(from.address, from.stride, rows, columns, address);
    },
  };
}
