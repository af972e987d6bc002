import { arch, availableParallelism, cpus, endianness, freemem, platform, totalmem } from 'node:os';
import { createRequire } from 'node:module';
import { checkGradient, type Backend } from '@bptt/core';
import { BpttClient } from '@bptt/rpc';
import { createBackend, FASTEST_FIRST, type BackendName } from '@bptt/worker';
import { parseSettings } from '@bptt/trainer/settings';
import { doctorSchema, gradcheckSchema, type Flags } from '../command-settings.js';
import { EXIT, errorLine, type ExitCode } from '../exit-codes.js';
import { processOutput } from '../output.js';
import { gradientCaseOf } from './gradcheck.js';

const NODE_MIN = [20, 19] as const;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const NAMES: readonly BackendName[] = ['reference', 'simd', 'simd-relaxed', 'blas', 'gpu'];
/** Backends that a machine may lack. */
const OPTIONAL: readonly BackendName[] = ['simd-relaxed', 'blas', 'gpu'];

/** One thing that was looked at. */
interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
  /** Training works without it. */
  readonly isOptional?: boolean;
}

/** `bptt doctor`: what this machine can do; exit code 1 where something that training needs does not work. */
export async function doctor({ json = false, ...flags }: Flags & { readonly json?: boolean }): Promise<ExitCode> {
  const { server } = parseSettings(doctorSchema, flags);
  const findings = [...machine()];
  for (const name of NAMES) findings.push(await backendFinding(name));
  findings.push(await fastestFinding());
  if (server !== undefined) findings.push(await serverFinding(server));
  for (const finding of findings) {
    processOutput.line(json ? JSON.stringify({ event: 'finding', ...finding }) : `${finding.ok ? 'ok  ' : 'FAIL'} ${finding.name}: ${finding.text}`);
  }
  return findings.every(({ ok, isOptional }) => ok || isOptional === true) ? EXIT.done : EXIT.failed;
}

function machine(): Finding[] {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
  return [
    { name: 'bptt', ok: true, text: version },
    { name: 'node', ok: major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]), text: `${process.version} (at least ${NODE_MIN.join('.')}), ${platform()} ${arch()}` },
    { name: 'cores', ok: true, text: `${String(availableParallelism())} (${cpus().at(0)?.model.trim() ?? 'unknown'})` },
    { name: 'memory', ok: true, text: `${(totalmem() / GIB).toFixed(1)} GiB, ${(freemem() / GIB).toFixed(1)} GiB free` },
    { name: 'byte order', ok: endianness() === 'LE', text: endianness() === 'LE' ? 'little-endian' : 'big-endian: not supported' },
  ];
}

/** Makes the backend and checks a tiny gradient with it: what it says that it executes has then really executed. */
async function backendFinding(name: BackendName): Promise<Finding> {
  let backend: Backend | undefined;
  const isOptional = OPTIONAL.includes(name);
  try {
    backend = (await createBackend(name)).create();
    const settings = parseSettings(gradcheckSchema, { hidden: 3, vocabulary: 5, length: 3, batch: 2 });
    const { passed, largestRelativeError } = await checkGradient(gradientCaseOf(settings), { backend, tolerance: 1e-2 });
    const gradient = passed ? 'right' : `wrong by ${largestRelativeError.toExponential(1)}`;
    const memory = backend.memoryBytes === undefined ? '' : `, ${(backend.memoryBytes / MIB).toFixed(1)} MiB of memory`;
    return { name: `backend ${name}`, ok: passed, text: `${backend.id}, executes ${backend.executes}; gradient ${gradient}${memory}` };
  } catch (error) {
    return { name: `backend ${name}`, ok: false, isOptional, text: errorLine(error) };
  } finally {
    backend?.dispose();
  }
}

/** What `auto` takes, and where a faster one is missing, why. */
async function fastestFinding(): Promise<Finding> {
  const { id } = await createBackend('auto');
  const reasons: string[] = [];
  for (const name of FASTEST_FIRST) {
    try {
      if ((await createBackend(name)).id === id) break;
    } catch (error) {
      reasons.push(errorLine(error));
    }
  }
  return { name: 'fastest backend', ok: true, text: [`${id}, which auto takes`, ...reasons].join('; faster: ') };
}

async function serverFinding(server: string): Promise<Finding> {
  const client = new BpttClient(server);
  try {
    const health = await client.health();
    const { state, step, backendId } = await client.getInfo();
    return { name: `server ${server}`, ok: health === 'SERVING', text: `${health}, ${state.replace('RUN_STATE_', '').toLowerCase()}, step ${String(step)}, backend ${backendId}` };
  } catch (error) {
    return { name: `server ${server}`, ok: false, text: errorLine(error) };
  } finally {
    client.close();
  }
}
