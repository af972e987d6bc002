import { arch, availableParallelism, cpus, endianness, freemem, platform, totalmem } from 'node:os';
import { createRequire } from 'node:module';
import { BpttError, checkGradient, type Backend } from '@bptt/core';
import { BpttClient } from '@bptt/rpc';
import { createBackend, FASTEST_FIRST, localAdapters, type BackendDevice, type BackendName } from '@bptt/worker';
import { parseSettings } from '@bptt/trainer/settings';
import { doctorSchema, gradcheckSchema, type Flags } from '../command-settings.js';
import { EXIT, errorLine, type ExitCode } from '../exit-codes.js';
import { processOutput } from '../output.js';
import { gradientCaseOf } from './gradcheck.js';

const NODE_MIN = [20, 19] as const;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** What can compute here. */
const BACKENDS: readonly (readonly [name: BackendName, device?: BackendDevice])[] = [
  ['reference'], ['simd'], ['simd-relaxed'], ['blas'], ['gpu', 'webasm'], ['gpu', 'cpu'], ['gpu', 'webgpu'],
];
/** Backends that a machine may lack. */
const OPTIONAL: readonly BackendName[] = ['simd-relaxed', 'blas', 'gpu'];

/** One thing that was looked at. */
interface Finding {
  readonly name: string;
  readonly ok: boolean;
  /** Training does without it. */
  readonly optional?: boolean;
  readonly text: string;
}

/** `bptt doctor`: what this machine can do; exit code 1 where something that training needs does not work. */
export async function doctor({ json = false, ...flags }: Flags & { readonly json?: boolean }): Promise<ExitCode> {
  const { server } = parseSettings(doctorSchema, flags);
  const findings = [...machine()];
  for (const [name, device] of BACKENDS) findings.push(await backendFinding(name, device));
  findings.push(await adaptersFinding());
  findings.push(await fastestFinding());
  if (server !== undefined) findings.push(await serverFinding(server));
  for (const finding of findings) {
    processOutput.line(json ? JSON.stringify({ event: 'finding', ...finding }) : `${finding.ok ? 'ok  ' : finding.optional === true ? 'none' : 'FAIL'} ${finding.name}: ${finding.text}`);
  }
  return findings.every(({ ok, optional }) => ok || optional === true) ? EXIT.done : EXIT.failed;
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
async function backendFinding(backendName: BackendName, device: BackendDevice | undefined): Promise<Finding> {
  const name = ['backend', backendName, ...(device === undefined ? [] : [device])].join(' ');
  let backend: Backend | undefined;
  try {
    backend = (await createBackend(backendName, device)).create();
    const settings = parseSettings(gradcheckSchema, { hidden: 3, vocabulary: 5, length: 3, batch: 2 });
    const { passed, largestRelativeError } = await checkGradient(gradientCaseOf(settings), { backend, tolerance: 1e-2 });
    const gradient = passed ? 'right' : `wrong by ${largestRelativeError.toExponential(1)}`;
    const memory = backend.memoryBytes === undefined ? '' : `, ${(backend.memoryBytes / MIB).toFixed(1)} MiB of memory`;
    return { name, ok: passed, text: `${backend.id}, executes ${backend.executes}; gradient ${gradient}${memory}` };
  } catch (error) {
    return { name, ok: false, optional: OPTIONAL.includes(backendName) && isMissing(error), text: errorLine(error) };
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

/** What WebGPU could compute on. */
async function adaptersFinding(): Promise<Finding> {
  const name = 'WebGPU adapters';
  try {
    const adapters = await localAdapters();
    const text = adapters.map((adapter) => `${adapter.name} (${adapter.driver}, ${adapter.software ? 'software' : 'hardware'})`).join(', ');
    return { name, ok: adapters.length > 0, optional: true, text: adapters.length > 0 ? text : 'no driver of this machine offers one' };
  } catch (error) {
    return { name, ok: false, optional: isMissing(error), text: errorLine(error) };
  }
}

/** Whether the machine lacks it, rather than that it does not work. */
function isMissing(error: unknown): boolean {
  return error instanceof BpttError && error.code === 'failed-precondition';
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
