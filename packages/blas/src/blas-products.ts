import type { KernelMemory, KernelProducts, Products, ProductShape } from '@bptt/simd';
import koffi from 'koffi';
import type { BlasLibrary } from './library.js';

const ROW_MAJOR = 101;
const PLAIN = 111;
const TRANSPOSED = 112;
const FLOAT_BYTES = 4;
/** Below so many multiplications a product is not worth the call. */
const MULTIPLICATIONS_MIN = 4096;
/** Up to so many rows, one tile of the kernels, a parameter is faster multiplied with by them where BLAS packs it anew for every product. */
const KERNEL_ROWS_MAX = 5;

/** Where BLAS reads small operands as they lie, its kernels take four rows at a time, and for fewer nearly as long. */
const UNPACKED_ROWS = 4;
/** In so many pieces at most a product is not slower than with operands that are packed for it. */
const PIECES_MAX = 8;

/** Products by a BLAS, on the memory of the kernels; small ones by the kernels. */
export function blasProducts(library: BlasLibrary, memory: KernelMemory, kernels: KernelProducts): Products {
  // The memory grows where it is, so that its beginning stays.
  const origin = Number(koffi.address(memory.floats(0, 1)));
  // What would be used transposed is copied: `sgemm` packs the copy faster, or reads it faster where it does not pack.
  const prepare: Products['prepare'] = ({ n, k }, right, arena) => {
    if (!right.transposed) return { ...right, panels: 0 };
    const address = arena.allocate(k * n * FLOAT_BYTES);
    kernels.transpose(right, { rows: n, columns: k }, address);
    return { address, stride: n * FLOAT_BYTES, transposed: false, panels: 0 };
  };
  return {
    multiply(shape, left, right, out, base) {
      const { m, n, k } = shape;
      const multiplications = m * n * k;
      const isPacked = multiplications > library.unpackedMultiplicationsMax;
      if (multiplications < MULTIPLICATIONS_MIN || (right.panels !== 0 && m <= KERNEL_ROWS_MAX && isPacked)) {
        kernels.multiply(shape, left, right, out, base);
        return;
      }
      if (base !== undefined && base.address !== out.address) kernels.copy(base, { rows: m, columns: n }, out);
      // With a transposed right operand those kernels are slower than with a packed one; a transposed left one has many rows.
      const rows = isPacked && !left.transposed && !right.transposed ? rowsAtOnce(shape) : m;
      for (let i = 0; i < m; i += rows) {
        library.sgemm(
          ROW_MAJOR, left.transposed ? TRANSPOSED : PLAIN, right.transposed ? TRANSPOSED : PLAIN, Math.min(rows, m - i), n, k,
          1, origin + left.address + i * left.stride, left.stride / FLOAT_BYTES, origin + right.address, right.stride / FLOAT_BYTES,
          base === undefined ? 0 : 1, origin + out.address + i * out.stride, out.stride / FLOAT_BYTES,
        );
      }
    },
    prepare,
    // Panels for few rows.
    keep: (shape, right, arena) => ({ ...prepare(shape, right, arena), panels: kernels.prepare(shape, right, arena).panels }),
  };

  /** Rows of a piece for which no operand is packed; all, where pieces would be slower. */
  function rowsAtOnce({ m, n, k }: ProductShape): number {
    const most = Math.floor(library.unpackedMultiplicationsMax / (n * k));
    const rows = most - (most % UNPACKED_ROWS);
    return m > PIECES_MAX * rows ? m : rows;
  }
}
