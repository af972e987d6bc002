import type { Arena } from './arena.js';
import type { LeftOperand, Products, ProductShape, RightOperand } from './products.js';

/**
 * One parameter as the right operand of products, made ready once for as long as its values stay: a recurrent matrix is multiplied with at every moment.
 * Its memory is taken once and used again for the next values.
 */
export class KeptPanels {
  readonly #products: Products;
  readonly #arena: Arena;
  /** Plain, and transposed. */
  readonly #ready: (RightOperand | undefined)[] = [undefined, undefined];
  readonly #addresses: readonly number[][] = [[], []];

  constructor(products: Products, arena: Arena) {
    this.#products = products;
    this.#arena = arena;
  }

  /** The values are about to change. */
  forget(): void {
    this.#ready.fill(undefined);
  }

  prepare(shape: Pick<ProductShape, 'n' | 'k'>, right: LeftOperand): RightOperand {
    const which = Number(right.transposed);
    let taken = 0;
    const allocate = (bytes: number): number => {
      const address = this.#addresses[which].at(taken) ?? this.#arena.allocate(bytes);
      this.#addresses[which][taken] = address;
      taken += 1;
      return address;
    };
    this.#ready[which] ??= this.#products.keep(shape, right, { allocate });
    return this.#ready[which];
  }
}
