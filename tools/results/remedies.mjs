// Trains one small model for each remedy against vanishing gradients, everything else equal, and prints how far errors reach before and
// after training, as the table of docs/results.md:
//
//     node tools/results/remedies.mjs [--steps 1200] [--lr 0.002] [--out runs/remedies]
//
// Writes the commands that it runs to stderr. A run that is there already is resumed, so that a finished one is only measured. Needs the built
// packages (npm run build).
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: { steps, lr, out } } = parseArgs({ options: { steps: { type: 'string', default: '1200' }, lr: { type: 'string', default: '0.002' }, out: { type: 'string', default: 'runs/remedies' } } });

const COMMAND = fileURLToPath(new URL('../../packages/cli/bin/bptt.js', import.meta.url));
const CORPUS = 'dataset:moby-dick';
const SHARED = '--vocabulary 2000 --hidden 64 --batch 16 --microshards 4 --optimizer adam --backend simd';
const LAGS = 40;
/** How far back the share that is left is told. */
const LAG_TOLD = 10;
/** Name of the run, what the table calls it, and its options beside those that all share. */
const REMEDIES = [
  ['tanh', 'none: tanh', ''],
  ['orthogonal', 'orthogonal start', '--init orthogonal'],
  ['radius', 'start with spectral radius 1.2', '--init spectralRadius:1.2'],
  ['irnn', 'IRNN: relu, identity start', '--activation relu --init identity'],
  ['omega-1', 'Omega, weight 1', '--omega 1'],
  ['omega-10', 'Omega, weight 10', '--omega 10'],
  ['gru', 'GRU', '--cell gru'],
  ['lstm', 'LSTM', '--cell lstm'],
  ['lstm-forget-1', 'LSTM, forget bias 1', '--cell lstm --forget-bias 1'],
];

/** The last JSON line that `bptt words` writes. */
function bptt(words) {
  process.stderr.write(`npx bptt ${words}\n`);
  const lines = execFileSync(process.execPath, [COMMAND, ...words.split(' '), '--json'], { encoding: 'utf8', maxBuffer: 1 << 28 }).trimEnd().split('\n');
  return JSON.parse(lines.at(-1));
}

/** Trains a run, or goes on with it, and measures it. */
function measure(run, words) {
  const resume = existsSync(join(run, 'config.json')) ? ' --resume' : '';
  const { validLoss } = bptt(`train ${CORPUS} --run ${run} ${SHARED} ${words}${resume}`.replace(/ +/g, ' '));
  const { flow, jacobians } = bptt(`flow ${run} ${CORPUS} --lags ${LAGS} --backend simd`);
  return { perplexity: Math.exp(validLoss), flow, jacobians };
}

const distance = ({ eFold }) => (eFold === null ? `> ${LAGS}` : eFold.toFixed(2));
const share = ({ lags }) => (lags[LAG_TOLD].median / lags[0].median).toExponential(1);
const jacobian = ({ lags: [step] }) => `${step.median.toFixed(2)} (${Math.round(step.aboveOne * 100)} %)`;

console.log('| remedy | options | validation perplexity | part | e-fold distance, before | after | left after 10 steps, before | after | `‖J_t‖₂`, before | after |');
console.log('|---|---|---:|---|---:|---:|---:|---:|---:|---:|');
for (const [name, label, options] of REMEDIES) {
  // So small a learning rate changes no parameter: the run keeps what it began with.
  const before = measure(join(out, `${name}-before`), `--lr 1e-12 --steps 1 ${options}`.trim());
  const after = measure(join(out, name), `--lr ${lr} --steps ${steps} --valid-every 400 ${options}`.trim());
  before.flow.forEach((series, i) => {
    const trained = after.flow[i];
    const cells = i === 0 ? [label, options && `\`${options}\``, after.perplexity.toFixed(1)] : ['', '', ''];
    const norms = [before, after].map(({ jacobians }) => jacobian(jacobians[i]));
    console.log(`| ${[...cells, series.part, distance(series), distance(trained), share(series), share(trained), ...norms].join(' | ')} |`);
  });
}
