import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { absent, Unavailable, type Entrant } from './contender.js';
import { startNode } from './line-process.js';
import { isTutorial, type Workload } from './workload.js';

const PROCESS = fileURLToPath(new URL('./tensorflow-process.js', import.meta.url));
/** The package that a user would install. It is 290 MB which nobody but this benchmark needs, so it is fetched when that runs; no install script is run. */
const PACKAGE = '@tensorflow/tfjs';
const VERSION = '4.22.0';
const CACHE = join(import.meta.dirname, '..', '..', '.bptt-cache', `tensorflow-js-${VERSION}`);
const INSTALL_TIMEOUT_MS = 120_000;

/** TensorFlow.js on the tutorial's model, one sentence a step. */
export function tensorFlowEntrant(name: string, workload: Workload): Entrant {
  if (!isTutorial(workload) || workload.B > 1) return absent(name, 'its backend in plain JavaScript is measured on one sentence of the tutorial\'s model alone');
  if (workload.truncation.kind === 'window') return absent(name, 'automatic differentiation has no window:k');
  return {
    name,
    open: () => {
      install();
      return startNode(name, PROCESS, [CACHE, JSON.stringify(workload)]);
    },
  };
}

function install(): void {
  if (existsSync(join(CACHE, 'node_modules', PACKAGE, 'package.json'))) return;
  mkdirSync(CACHE, { recursive: true });
  const { status, error, stderr } = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', CACHE, `${PACKAGE}@${VERSION}`], {
    cwd: CACHE, encoding: 'utf8', timeout: INSTALL_TIMEOUT_MS, stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (status === 0) return;
  const reason = error?.message ?? stderr.trim().split('\n').at(-1) ?? `npm ended with ${String(status)}`;
  throw new Unavailable(`npm install ${PACKAGE}@${VERSION} failed: ${reason}`);
}
