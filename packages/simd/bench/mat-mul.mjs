// Prints GFLOP/s of the product of both builds, for right operands that lie plain, transposed, and packed before, and left operands that are
// transposed; best of many in 0.3 s. Build first: npm run build.
import { KernelMemory } from '../dist/kernel-memory.js';
import { instantiateKernels, SIMD_BUILDS } from '../dist/kernels.js';

const SHAPES = [[640, 200, 10000], [64, 512, 512], [64, 200, 10000], [20, 200, 800], [32, 256, 768], [10000, 64, 200], [1, 128, 8000], [1024, 1024, 1024]];
const MS = 300;
/** Products between two looks at the clock take about so many operations. */
const OPERATIONS = 4e7;
const FLOAT_BYTES = 4;

/** Best GFLOP/s of `product`. */
function measure(operations, product) {
  const repeats = Math.max(1, Math.round(OPERATIONS / operations));
  let best = Infinity;
  const end = performance.now() + MS;
  do {
    const start = performance.now();
    for (let i = 0; i < repeats; i += 1) product();
    best = Math.min(best, (performance.now() - start) / repeats);
  } while (performance.now() < end);
  return operations / best / 1e6;
}

for (const build of SIMD_BUILDS) {
  const memory = KernelMemory.create(1 << 30);
  const kernels = instantiateKernels(memory, build);
  console.log(build);
  for (const [m, k, n] of SHAPES) {
    const matrix = (count) => {
      const address = memory.allocate(count * FLOAT_BYTES);
      memory.floats(address, count).fill(0.5);
      return address;
    };
    const [a, b, out] = [m * k, k * n, m * n].map(matrix);
    const panels = memory.allocate(kernels.panelBytes(n, k));
    kernels.packPanels(n, k, b, n * FLOAT_BYTES, false, panels);
    const product = (transposeA, transposeB, packed) => () => {
      kernels.matMul(m, n, k, a, (transposeA ? m : k) * FLOAT_BYTES, transposeA, b, (transposeB ? k : n) * FLOAT_BYTES, transposeB, out, n * FLOAT_BYTES, 0, 0, packed);
    };
    const kinds = { plain: product(false, false, 0), 'b transposed': product(false, true, 0), 'a transposed': product(true, false, 0), 'b packed before': product(false, false, panels) };
    const text = Object.entries(kinds).map(([name, run]) => `${name} ${measure(2 * m * n * k, run).toFixed(1)}`).join(', ');
    console.log(`  [${m}, ${k}] x [${k}, ${n}]: ${text}`);
  }
}
