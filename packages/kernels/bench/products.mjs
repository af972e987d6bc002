// Prints GFLOP/s of ways to write a product as a gpu.js kernel, each in a plan of its own, measured in turn in the same run.
// Usage: node packages/kernels/bench/products.mjs [cpu|webasm|webgpu ...]. Build first: npm run build.
import { GPU, Input } from 'gpu.js';
import { openAdapter } from '../dist/adapter.js';

/** Rows of a, inner size, columns of b. The first three are logits and the two ways back of the tutorial's model on 64 words, then a recurrent product. */
const SHAPES = [[64, 100, 2000], [64, 2000, 100], [2000, 64, 100], [16, 200, 800], [256, 256, 256]];
const ROUNDS = 5;
const ROUND_MS = 150;

function plain(a, b) {
  let sum = 0;
  for (let k = 0; k < this.constants.inner; k++) {
    sum += a[this.thread.y][k] * b[k][this.thread.x];
  }
  return sum;
}

function unrolledFour(a, b) {
  let sum = 0;
  for (let turn = 0; turn < this.constants.turns; turn++) {
    const k = turn * 4;
    sum += a[this.thread.y][k] * b[k][this.thread.x];
    sum += a[this.thread.y][k + 1] * b[k + 1][this.thread.x];
    sum += a[this.thread.y][k + 2] * b[k + 2][this.thread.x];
    sum += a[this.thread.y][k + 3] * b[k + 3][this.thread.x];
  }
  for (let rest = 0; rest < this.constants.rest; rest++) {
    sum += a[this.thread.y][rest + this.constants.whole] * b[rest + this.constants.whole][this.thread.x];
  }
  return sum;
}

function stepsOfFour(a, b) {
  let sum = 0;
  for (let k = 0; k < this.constants.whole; k += 4) {
    sum += a[this.thread.y][k] * b[k][this.thread.x];
    sum += a[this.thread.y][k + 1] * b[k + 1][this.thread.x];
    sum += a[this.thread.y][k + 2] * b[k + 2][this.thread.x];
    sum += a[this.thread.y][k + 3] * b[k + 3][this.thread.x];
  }
  for (let rest = 0; rest < this.constants.rest; rest++) {
    sum += a[this.thread.y][rest + this.constants.whole] * b[rest + this.constants.whole][this.thread.x];
  }
  return sum;
}

function stepsOfEight(a, b) {
  let sum = 0;
  for (let k = 0; k < this.constants.whole; k += 8) {
    sum += a[this.thread.y][k] * b[k][this.thread.x];
    sum += a[this.thread.y][k + 1] * b[k + 1][this.thread.x];
    sum += a[this.thread.y][k + 2] * b[k + 2][this.thread.x];
    sum += a[this.thread.y][k + 3] * b[k + 3][this.thread.x];
    sum += a[this.thread.y][k + 4] * b[k + 4][this.thread.x];
    sum += a[this.thread.y][k + 5] * b[k + 5][this.thread.x];
    sum += a[this.thread.y][k + 6] * b[k + 6][this.thread.x];
    sum += a[this.thread.y][k + 7] * b[k + 7][this.thread.x];
  }
  for (let rest = 0; rest < this.constants.rest; rest++) {
    sum += a[this.thread.y][rest + this.constants.whole] * b[rest + this.constants.whole][this.thread.x];
  }
  return sum;
}

function fourSums(a, b) {
  let sum = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  for (let turn = 0; turn < this.constants.turns; turn++) {
    const k = turn * 4;
    sum += a[this.thread.y][k] * b[k][this.thread.x];
    second += a[this.thread.y][k + 1] * b[k + 1][this.thread.x];
    third += a[this.thread.y][k + 2] * b[k + 2][this.thread.x];
    fourth += a[this.thread.y][k + 3] * b[k + 3][this.thread.x];
  }
  for (let rest = 0; rest < this.constants.rest; rest++) {
    sum += a[this.thread.y][rest + this.constants.whole] * b[rest + this.constants.whole][this.thread.x];
  }
  return sum + second + (third + fourth);
}

function fourTerms(a, b) {
  let sum = 0;
  for (let turn = 0; turn < this.constants.turns; turn++) {
    const k = turn * 4;
    sum += a[this.thread.y][k] * b[k][this.thread.x] + a[this.thread.y][k + 1] * b[k + 1][this.thread.x]
      + (a[this.thread.y][k + 2] * b[k + 2][this.thread.x] + a[this.thread.y][k + 3] * b[k + 3][this.thread.x]);
  }
  for (let rest = 0; rest < this.constants.rest; rest++) {
    sum += a[this.thread.y][rest + this.constants.whole] * b[rest + this.constants.whole][this.thread.x];
  }
  return sum;
}

function eightTerms(a, b) {
  let sum = 0;
  for (let turn = 0; turn < this.constants.turns; turn++) {
    const k = turn * 8;
    sum += a[this.thread.y][k] * b[k][this.thread.x] + a[this.thread.y][k + 1] * b[k + 1][this.thread.x]
      + (a[this.thread.y][k + 2] * b[k + 2][this.thread.x] + a[this.thread.y][k + 3] * b[k + 3][this.thread.x])
      + (a[this.thread.y][k + 4] * b[k + 4][this.thread.x] + a[this.thread.y][k + 5] * b[k + 5][this.thread.x]
      + (a[this.thread.y][k + 6] * b[k + 6][this.thread.x] + a[this.thread.y][k + 7] * b[k + 7][this.thread.x]));
  }
  for (let rest = 0; rest < this.constants.rest; rest++) {
    sum += a[this.thread.y][rest + this.constants.whole] * b[rest + this.constants.whole][this.thread.x];
  }
  return sum;
}

function rightTransposed(a, b) {
  let sum = 0;
  for (let k = 0; k < this.constants.inner; k++) {
    sum += a[this.thread.y][k] * b[this.thread.x][k];
  }
  return sum;
}

/** Way, terms a turn of its loop, and whether b is handed over as [columns, inner]. */
const WAYS = [[plain, 1], [unrolledFour, 4], [stepsOfFour, 4], [stepsOfEight, 8], [fourSums, 4], [fourTerms, 4], [eightTerms, 8], [rightTransposed, 1, true]];

/** A product in panels of the inner size, each a step that adds to the one before: its part of b stays in the cache. */
function panelWise(a, b, addend) {
  let sum = addend[this.thread.y][this.thread.x];
  for (let k = 0; k < this.constants.width; k++) {
    sum += a[this.thread.y][k + this.constants.begin] * b[k + this.constants.begin][this.thread.x];
  }
  return sum;
}

function zero() {
  return 0;
}

function panelPlan(gpu, [m, inner, n], panel) {
  const settings = { output: [n, m], precision: 'single' };
  const start = gpu.createKernel(zero.toString(), settings);
  const kernels = Array.from({ length: Math.ceil(inner / panel) }, (_, i) => {
    const kernel = gpu.createKernel(panelWise.toString(), { ...settings, constants: { begin: i * panel, width: Math.min(panel, inner - i * panel) } });
    return kernel.setLoopMaxIterations(1 << 24);
  });
  return gpu.createPipeline((a, b) => {
    let sum = start();
    for (const kernel of kernels) sum = kernel(a, b, sum);
    return sum;
  }, { threads: false });
}

function plan(gpu, [m, inner, n], way, turn) {
  const kernel = gpu.createKernel(way.toString(), { output: [n, m], precision: 'single', constants: { inner, turns: Math.floor(inner / turn), whole: inner - (inner % turn), rest: inner % turn } });
  kernel.setLoopMaxIterations(1 << 24);
  return gpu.createPipeline((a, b) => kernel(a, b), { threads: false });
}

const random = (count) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) * 0.5);

async function bestMs(run) {
  let best = Infinity;
  const end = performance.now() + ROUND_MS;
  do {
    const begin = performance.now();
    await run();
    best = Math.min(best, performance.now() - begin);
  } while (performance.now() < end);
  return best;
}

const modes = process.argv.length > 2 ? process.argv.slice(2) : ['webasm', 'cpu'];
for (const mode of modes) {
  if (mode === 'webgpu') console.log(`webgpu: ${JSON.stringify(await openAdapter())}`);
  for (const shape of SHAPES) {
    const [m, inner, n] = shape;
    const a = new Input(random(m * inner), [inner, m]);
    const b = new Input(random(inner * n), [n, inner]);
    const bT = new Input(random(inner * n), [inner, n]);
    const contenders = WAYS.map(([way, turn, transposed = false]) => {
      const pipeline = plan(new GPU({ mode }), shape, way, turn);
      return { name: way.name, run: () => pipeline(a, transposed ? bT : b), ms: Infinity };
    });
    for (const panel of [64, 256].filter((width) => width < inner)) {
      const pipeline = panelPlan(new GPU({ mode }), shape, panel);
      contenders.push({ name: `panels of ${panel}`, run: () => pipeline(a, b), ms: Infinity });
    }
    for (const { run } of contenders) await run();
    for (let round = 0; round < ROUNDS; round += 1) for (const one of contenders) one.ms = Math.min(one.ms, await bestMs(one.run));
    console.log(`${mode} [${m}, ${inner}] [${inner}, ${n}]: ${contenders.map(({ name, ms }) => `${name} ${((2 * m * inner * n) / ms / 1e6).toFixed(2)}`).join(', ')}`);
  }
}
process.exit(0);
