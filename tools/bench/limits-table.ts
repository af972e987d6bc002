import { SIMD_BUILDS } from '@bptt/simd';
import { productEntrant, vectorEntrant } from './backend-contender.js';
import { BACKENDS } from './backends.js';
import { productFlops } from './flops.js';
import { measureInTurn, measuredRow, type Measured, type Skipped } from './measure.js';
import type { ProductShape } from './product-step.js';
import { limitEntrant } from './python-contender.js';
import type { Rounds } from './rounds.js';

export const SGEMM = 'OpenBLAS sgemm';
/** Large enough that nothing but the product counts. */
const LARGE: ProductShape = { m: 1024, k: 1024, n: 1024 };
/** Output layer of `lstm-200` for 640 words, and a product of a recurrent layer. */
export const PRODUCTS: readonly ProductShape[] = [{ m: 640, k: 200, n: 10_000 }, { m: 64, k: 512, n: 512 }];
/** Work of one step, at least: so much that copying the operands in does not matter. */
const STEP_FLOPS_MIN = 8e9;
const PRODUCTS_MAX = 64;
const COPY_MEBIBYTES = 256;
/** A whole number of turns of `vectorLimit`. */
const VECTOR_FLOPS = 64 * 2 ** 26;

export interface ProductResult extends Measured {
  readonly gflopPerSecond: number;
  /** Of OpenBLAS's rate for the same shape, or for the large one where there is no shape; null where that was not measured. */
  readonly shareOfSgemm: number | null;
}

/** One shape of product: OpenBLAS and the backends on one thread. */
export interface ProductTable {
  readonly shape: ProductShape;
  /** Products of a step; the reference makes one alone. */
  readonly products: number;
  readonly rows: readonly (ProductResult | Skipped)[];
}

/** What the machine can do at most, measured in the same run as everything else. */
export interface Limits {
  readonly products: readonly ProductTable[];
  /** Multiplications and additions of vectors of four floats in registers, by build: no product of WebAssembly can pass them. */
  readonly vectors: readonly (ProductResult | Skipped)[];
  /** Of a copy from memory to memory; each byte counted once. */
  readonly memoryCopy: (Measured & { readonly gigabytesPerSecond: number }) | Skipped;
}

export async function measureLimits(rounds: Rounds): Promise<Limits> {
  const products: ProductTable[] = [];
  for (const shape of [LARGE, ...PRODUCTS]) products.push(await measureProducts(shape, rounds));
  const vectors = vectorRows(products, await measureInTurn(SIMD_BUILDS.map((build) => vectorEntrant(build, VECTOR_FLOPS)), rounds));
  const [copy] = await measureInTurn([limitEntrant('memory copy', ['--copy-mib', String(COPY_MEBIBYTES)])], rounds);
  const memoryCopy = 'skipped' in copy ? copy : { ...copy, gigabytesPerSecond: (COPY_MEBIBYTES * 1024 * 1024) / 1e6 / copy.medianMs };
  return { products, vectors, memoryCopy };
}

/** Rates of multiplications and additions in registers, beside OpenBLAS's in the large product. */
export function vectorRows(products: readonly ProductTable[], measured: readonly (Measured | Skipped)[]): (ProductResult | Skipped)[] {
  const sgemm = sgemmLimit({ products });
  return measured.map((row) => {
    if ('skipped' in row) return row;
    const gflopPerSecond = VECTOR_FLOPS / 1e6 / row.medianMs;
    return { ...row, gflopPerSecond, shareOfSgemm: sgemm === null ? null : gflopPerSecond / sgemm };
  });
}

async function measureProducts(shape: ProductShape, rounds: Rounds): Promise<ProductTable> {
  const { m, k, n } = shape;
  const products = productsPerStep(shape);
  const sgemm = limitEntrant(SGEMM, ['--product', String(m), String(k), String(n), '--repeats', String(products)]);
  const backends = BACKENDS.filter((backend) => backend !== 'gpu').map((backend) => productEntrant(backend, shape, productsOf(backend, products)));
  return productTable(shape, products, await measureInTurn([sgemm, ...backends], rounds));
}

/** An even number, so that both right operands count alike. */
export function productsPerStep({ m, k, n }: ProductShape): number {
  return Math.min(PRODUCTS_MAX, 2 * Math.ceil(STEP_FLOPS_MIN / productFlops(m, k, n) / 2));
}

/** Of a step of that contender: the reference is too slow for more than one. */
function productsOf(contender: string, products: number): number {
  return contender === 'reference' ? 1 : products;
}

export function productTable(shape: ProductShape, products: number, measured: readonly (Measured | Skipped)[]): ProductTable {
  const flops = productFlops(shape.m, shape.k, shape.n);
  const rate = ({ contender, medianMs }: Measured): number => (productsOf(contender, products) * flops) / 1e6 / medianMs;
  const sgemm = measuredRow<Measured>(measured, SGEMM);
  const rows = measured.map((row): ProductResult | Skipped => {
    if ('skipped' in row) return row;
    const gflopPerSecond = rate(row);
    return { ...row, gflopPerSecond, shareOfSgemm: sgemm === undefined ? null : gflopPerSecond / rate(sgemm) };
  });
  return { shape, products, rows };
}

/** What a contender reached for one shape; undefined where it was not measured. */
export function productRow({ products }: Pick<Limits, 'products'>, { m, k, n }: ProductShape, contender: string): ProductResult | undefined {
  const table = products.find(({ shape }) => shape.m === m && shape.k === k && shape.n === n);
  return table && measuredRow<ProductResult>(table.rows, contender);
}

/** GFLOP/s of OpenBLAS's large product on one thread: what shares of the machine's limit are shares of. */
export function sgemmLimit(limits: Pick<Limits, 'products'>): number | null {
  return productRow(limits, LARGE, SGEMM)?.gflopPerSecond ?? null;
}

/** `[640,200]x[200,10000]`. */
export function productName({ m, k, n }: ProductShape): string {
  return `[${String(m)},${String(k)}]x[${String(k)},${String(n)}]`;
}
