import { join } from 'node:path';
import { topUnits } from '@bptt/core';
import { absent, Unavailable, type Contender, type Entrant } from './contender.js';
import { startProcess } from './line-process.js';
import { counted } from './text-table.js';
import { isTutorial, type Workload } from './workload.js';

/** Where Debian's Python lives, whose packages the peers need. */
export const PYTHON = '/usr/bin/python3';
const PEERS = join(import.meta.dirname, '..', 'peers');
/** The reference BLAS, Debian's `libblas3`: several times slower than the OpenBLAS that a PyTorch user has. */
const SLOW_BLAS = /^libblas\./;
export const TORCH_INSTALL = 'apt-get install python3-torch python3-numpy libopenblas0-pthread';
const NUMPY_INSTALL = 'apt-get install python3-numpy libopenblas0-pthread';

export interface PythonOptions {
  readonly name: string;
  /** Script in `tools/peers`. */
  readonly script: string;
  /** What installs the packages that it needs. */
  readonly install: string;
  readonly arguments: readonly string[];
  /** Default 1. */
  readonly threads?: number;
  /** Default 1. */
  readonly ranks?: number;
  /** Default `/usr/bin/python3`. */
  readonly python?: string;
}

/** How PyTorch uses the cores of this machine. */
export interface TorchWay {
  readonly threads: number;
  /** Processes under DistributedDataParallel, over gloo. */
  readonly ranks: number;
}

/** PyTorch on the same model and batches. */
export function torchEntrant(name: string, workload: Workload, { threads, ranks }: TorchWay = { threads: 1, ranks: 1 }): Entrant {
  const given = [...torchArguments(workload), ...optionWords({ threads, ranks })];
  return pythonEntrant({ name, script: 'torch_lm.py', install: TORCH_INSTALL, arguments: given, threads, ranks });
}

/** PyTorch on the GPU, in the Python that is first in `PATH`: Debian's PyTorch computes on processors alone. */
export function torchCudaEntrant(name: string, workload: Workload): Entrant {
  return pythonEntrant({ name, script: 'torch_lm.py', install: 'pip install torch', arguments: [...torchArguments(workload), '--device', 'cuda'], python: 'python3' });
}

/** Command line of `torch_lm.py` for a workload. */
export function torchArguments({ model, clip, carried, ...rest }: Workload): string[] {
  const { cell, input, hidden, embedding, head } = model;
  return [
    '--cell', cell, '--input', input, ...optionWords({ layers: hidden.length, ...(input === 'embedding' && { embedding }) }),
    ...(head.kind === 'adaptive' ? ['--cutoffs', ...head.cutoffs.map(String), '--div-value', String(head.divValue)] : []),
    ...(clip === undefined ? [] : ['--clip', String(clip)]), ...(carried ? ['--carry'] : []),
    ...sizeArguments({ model, ...rest }),
  ];
}

/** The tutorial's NumPy code, one sentence after the other; it knows the tutorial's model alone. */
export function numpyEntrant(name: string, workload: Workload): Entrant {
  if (!isTutorial(workload)) return absent(name, 'knows the tutorial\'s model alone');
  return pythonEntrant({ name, script: 'numpy_tutorial.py', install: NUMPY_INSTALL, arguments: sizeArguments(workload) });
}

/** A product of OpenBLAS, or a copy of memory: `blas_limits.py`. */
export function limitEntrant(name: string, given: readonly string[]): Entrant {
  return pythonEntrant({ name, script: 'blas_limits.py', install: NUMPY_INSTALL, arguments: given });
}

function sizeArguments({ model, truncation, T, B }: Pick<Workload, 'model' | 'truncation' | 'T' | 'B'>): string[] {
  return optionWords({ vocabulary: model.vocabulary, hidden: topUnits(model), steps: T, batch: B, ...(truncation.kind === 'window' && { window: truncation.k }) });
}

function optionWords(options: Readonly<Record<string, number>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** A Python process that does its work once for each line it is sent. */
export function pythonEntrant(options: PythonOptions): Entrant {
  return { name: options.name, open: () => startPython(options) };
}

/** Environment in which a library computes on so many threads. */
export function threadsEnvironment(threads: number): Record<string, string> {
  return Object.fromEntries(['OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS', 'MKL_NUM_THREADS'].map((key) => [key, String(threads)]));
}

async function startPython({ name, script, install, arguments: given, threads = 1, ranks = 1, python = PYTHON }: PythonOptions): Promise<Contender> {
  try {
    return await startProcess(name, { command: python, arguments: [join(PEERS, script), ...given, '--interactive'], environment: threadsEnvironment(threads) }, (hello) => {
      const [library, blas] = [String(hello['peer']), String(hello['blas'])];
      if (typeof hello['gpu'] === 'string') return `${library}, ${hello['gpu']}`;
      if (SLOW_BLAS.test(blas)) throw new Unavailable(`${library} uses the slow BLAS ${blas}: ${install}`);
      return `${library}, ${blas}, ${ranks > 1 ? `${String(ranks)} ranks over gloo` : counted(threads, 'thread')}`;
    });
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    if (/ENOENT|ModuleNotFoundError/.test(reason)) throw new Unavailable(`not installed (${reason}): ${install}`, { cause: error });
    throw new Error(`${name}: ${reason}`, { cause: error });
  }
}
