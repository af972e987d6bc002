import { checkGradient, NO_TOKEN, referenceBackend, stream, type GradientCheckResult, type Microshard } from '@bptt/core';
import { createBackend } from '@bptt/worker';
import { modelOf, parseSettings } from '@bptt/trainer/settings';
import { gradcheckSchema, type Flags, type GradcheckSettings } from '../command-settings.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { processOutput } from '../output.js';

/** Largest relative error that passes in float64, and with backends that compute in float32. */
const TOLERANCE = { float64: 1e-6, float32: 1e-3 } as const;

/** `bptt gradcheck`: the gradient of a small model against central differences; exit code 1 above tolerance. */
export async function gradcheck({ json = false, ...flags }: Flags & { readonly json?: boolean }): Promise<ExitCode> {
  const settings = parseSettings(gradcheckSchema, flags);
  const { result, backendId, tolerance } = await check(settings);
  if (json) processOutput.line(JSON.stringify({ event: 'gradcheck', backend: backendId, tolerance, ...result }));
  else for (const line of describe(result, backendId, tolerance)) processOutput.line(line);
  return result.passed ? EXIT.done : EXIT.failed;
}

async function check(settings: GradcheckSettings): Promise<{ result: GradientCheckResult; backendId: string; tolerance: number }> {
  const { truncation, reduction, length, batch, seed, vocabulary } = settings;
  const isFloat64 = settings.backend === 'reference-f64';
  const backend = isFloat64 ? referenceBackend({ precision: 'float64' }) : (await createBackend(settings.backend)).create();
  const tolerance = settings.tolerance ?? (isFloat64 ? TOLERANCE.float64 : TOLERANCE.float32);
  try {
    const microshard = raggedMicroshard({ vocabulary, length, batch, seed });
    const result = await checkGradient({ model: modelOf(settings), truncation, reduction, microshard }, { backend, tolerance });
    return { result, backendId: backend.id, tolerance };
  } finally {
    backend.dispose();
  }
}

/** Random words in `batch` sequences, each shorter than the one before where there is room: padding is checked too. */
export function raggedMicroshard({ vocabulary, length, batch, seed }: Pick<GradcheckSettings, 'vocabulary' | 'length' | 'batch' | 'seed'>): Microshard {
  const random = stream(seed, 'gradcheck words');
  const words = (offset: number): Int32Array => Int32Array.from({ length: length * batch }, (_, i) => {
    const [t, b] = [Math.floor(i / batch), i % batch];
    return t < Math.max(1, length - b) ? Math.floor(random.uniform(offset + i) * vocabulary) : NO_TOKEN;
  });
  return { index: 0, T: length, B: batch, inputs: words(0), targets: words(length * batch), sequences: Int32Array.from({ length: batch }, (_, b) => b) };
}

function describe({ compared, largestRelativeError, where, passed }: GradientCheckResult, backendId: string, tolerance: number): string[] {
  return [
    `backend ${backendId}`,
    `compared ${String(compared)} elements with central differences in float64`,
    `largest relative error ${largestRelativeError.toExponential(3)} at ${where}`,
    `${passed ? 'passed' : 'failed'}: tolerance ${tolerance.toExponential(0)}`,
  ];
}
