import { BACKENDS, productEntrant } from './backend-contender.js';
import { productFlops } from './flops.js';
import { measureInTurn, measuredRow, type Measured, type Skipped } from './measure.js';
import type { ProductShape } from './product-step.js';
import { limitEntrant } from './python-contender.js';

export const SGEMM = 'OpenBLAS sgemm';
/** Large enough that nothing but the product counts. */
export const LARGE: ProductShape = { m: 1024, k: 1024, n: 1024 };
/** Output layer of `lstm-200` at 32 lanes, and a product of a recurrent layer. */
export const PRODUCTS: readonly ProductShape[] = [{ m: 640, k: 200, n: 10_000 }, { m: 64, k: 512, n: 512 }];
/** Work of one step, at least: so much that copying the operands in does not matter. */
const STEP_FLOPS_MIN = 8e9;
const PRODUCTS_MAX = 64;
const COPY_MEBIBYTES = 256;

export interface ProductResult extends Measured {
  readonly gflopPerSecond: number;
  /** Of OpenBLAS's rate for the same shape; null where that was not measured. */
  readonly shareOfSgemm: number | null;
}

/** One shape of product: OpenBLAS and the backends on one thread. */
export interface ProductTable {
  readonly shape: ProductShape;
  /** Products of a step. */
  readonly products: number;
  readonly rows: readonly (ProductResult | Skipped)[];
}

/** What the machine can do at most, measured in the same run as everything else. */
export interface Limits {
  readonly products: readonly ProductTable[];
  /** Of a copy from memory to memory; each byte counted once. */
  readonly memoryCopy: (Measured & { readonly gigabytesPerSecond: number }) | Skipped;
}

export async function measureLimits(rounds: number): Promise<Limits> {
  const products: ProductTable[] = [];
  for (const shape of [LARGE, ...PRODUCTS]) products.push(await measureProducts(shape, rounds));
  const [copy] = await measureInTurn([limitEntrant('memory copy', ['--copy-mib', String(COPY_MEBIBYTES)])], rounds);
  const memoryCopy = 'skipped' in copy ? copy : { ...copy, gigabytesPerSecond: (COPY_MEBIBYTES * 1024 * 1024) / 1e6 / copy.medianMs };
  return { products, memoryCopy };
}

async function measureProducts(shape: ProductShape, rounds: number): Promise<ProductTable> {
  const { m, k, n } = shape;
  const products = productsPerStep(shape);
  const sgemm = limitEntrant(SGEMM, ['--product', String(m), String(k), String(n), '--repeats', String(products)]);
  const backends = BACKENDS.filter((backend) => backend !== 'gpu').map((backend) => productEntrant(backend, shape, backend === 'reference' ? 1 : products));
  return productTable(shape, products, await measureInTurn([sgemm, ...backends], rounds));
}

/** An even number, so that both right operands count alike. */
export function productsPerStep({ m, k, n }: ProductShape): number {
  return Math.min(PRODUCTS_MAX, 2 * Math.ceil(STEP_FLOPS_MIN / productFlops(m, k, n) / 2));
}

/** @param products of a step; the reference makes one alone */
export function productTable(shape: ProductShape, products: number, measured: readonly (Measured | Skipped)[]): ProductTable {
  const flops = productFlops(shape.m, shape.k, shape.n);
  const rate = ({ contender, medianMs }: Measured): number => ((contender === 'reference' ? 1 : products) * flops) / 1e6 / medianMs;
  const sgemm = measuredRow<Measured>(measured, SGEMM);
  const rows = measured.map((row): ProductResult | Skipped => {
    if ('skipped' in row) return row;
    const gflopPerSecond = rate(row);
    return { ...row, gflopPerSecond, shareOfSgemm: sgemm === undefined ? null : gflopPerSecond / rate(sgemm) };
  });
  return { shape, products, rows };
}

/** GFLOP/s of OpenBLAS's large product on one thread: what shares of the machine's limit are shares of. */
export function sgemmLimit({ products }: Limits): number | null {
  const large = products.find(({ shape }) => shape.m === LARGE.m && shape.k === LARGE.k && shape.n === LARGE.n);
  return large === undefined ? null : (measuredRow<ProductResult>(large.rows, SGEMM)?.gflopPerSecond ?? null);
}
