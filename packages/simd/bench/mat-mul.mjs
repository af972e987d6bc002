// Prints GFLOP/s of the SIMD product beside a plain loop over Float32Array, measured in the same run. Build first: npm run assemble.
import { readFileSync } from 'node:fs';

const SHAPES = [[640, 200, 10000], [64, 512, 512], [64, 100, 8000], [8, 128, 128], [32, 128, 128], [1, 128, 8000], [32, 512, 512]];
const SECONDS = 0.4;

function plainProduct(m, n, k, a, b, out) {
  for (let i = 0; i < m; i += 1) {
    for (let j = 0; j < n; j += 1) {
      let sum = 0;
      for (let p = 0; p < k; p += 1) sum += a[i * k + p] * b[j * k + p];
      out[i * n + j] = sum;
    }
  }
}

/** Best GFLOP/s of `operation` over a fixed time. */
function measure(operations, operation) {
  operation();
  let best = Infinity;
  const end = performance.now() + SECONDS * 1000;
  do {
    const start = performance.now();
    operation();
    best = Math.min(best, performance.now() - start);
  } while (performance.now() < end);
  return operations / best / 1e6;
}

const memory = new WebAssembly.Memory({ initial: 2048 });
const module = new WebAssembly.Module(readFileSync(new URL('../build/simd.wasm', import.meta.url)));
const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports;

for (const [m, k, n] of SHAPES) {
  const a = kernels.workspaceEnd();
  const b = a + m * k * 4;
  const out = b + n * k * 4;
  const floats = (at, count) => new Float32Array(memory.buffer, at, count);
  floats(a, m * k + n * k).fill(0.5);
  const operations = 2 * m * n * k;
  const rate = (keep, transposeB) => measure(operations, () => {
    kernels.matMul(m, n, k, a, k * 4, false, b, (transposeB ? k : n) * 4, transposeB, out, n * 4, 0, 0, keep);
  });
  const [left, right, result] = [floats(a, m * k), floats(b, n * k), floats(out, m * n)];
  const plain = measure(operations, () => { plainProduct(m, n, k, left, right, result); });
  const rates = { product: rate(false, false), 'right operand transposed': rate(false, true), 'right operand packed before': rate(true, true) };
  const text = Object.entries(rates).map(([name, r]) => `${name} ${r.toFixed(1)} GFLOP/s (x${(r / plain).toFixed(0)})`).join(', ');
  console.log(`[${m}, ${k}] x [${k}, ${n}]: ${text}, plain loop ${plain.toFixed(2)}`);
}
