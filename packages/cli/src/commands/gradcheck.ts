import { assertLegal, checkGradient, initializeParameters, modelMicroshard, referenceBackend, type GradientCase, type GradientCheckResult, type ModelConfig } from '@bptt/core';
import { assertDevice, createBackend } from '@bptt/worker';
import { initializationOf, modelOf, objectiveOf, parseSettings } from '@bptt/trainer/settings';
import { gradcheckSchema, type Flags, type GradcheckSettings } from '../command-settings.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { processOutput } from '../output.js';

/** Largest relative error that passes in float64, and with backends that compute in float32. */
const TOLERANCE = { float64: 1e-6, float32: 1e-3 } as const;
/** Factor of the initial parameters, so that units leave the linear range. */
const SPREAD = 4;

/** `bptt gradcheck`: the gradient of a small model against central differences; exit code 1 above tolerance. */
export async function gradcheck({ json = false, ...flags }: Flags & { readonly json?: boolean }): Promise<ExitCode> {
  const settings = parseSettings(gradcheckSchema, flags);
  const { result, backendId, tolerance } = await check(settings);
  if (json) processOutput.line(JSON.stringify({ event: 'gradcheck', backend: backendId, tolerance, ...result }));
  else for (const line of describe(result, backendId, tolerance)) processOutput.line(line);
  return result.passed ? EXIT.done : EXIT.failed;
}

async function check(settings: GradcheckSettings): Promise<{ result: GradientCheckResult; backendId: string; tolerance: number }> {
  const { device } = settings;
  const isFloat64 = settings.backend === 'reference-f64';
  if (isFloat64) assertDevice(settings.backend, device);
  const backend = isFloat64 ? referenceBackend({ precision: 'float64' }) : (await createBackend(settings.backend, device)).create();
  const tolerance = settings.tolerance ?? (isFloat64 ? TOLERANCE.float64 : TOLERANCE.float32);
  try {
    return { result: await checkGradient(gradientCaseOf(settings), { backend, tolerance }), backendId: backend.id, tolerance };
  } finally {
    backend.dispose();
  }
}

/**
 * The case that settings describe: random sequences, each shorter than the one before where there is room, so that padding is checked too.
 * @throws BpttError `invalid-argument` where settings do not go together
 */
export function gradientCaseOf(settings: GradcheckSettings): GradientCase {
  const { head, input, length, batch, outputs, seed } = settings;
  const isLast = head === 'lastSoftmax' || head === 'lastSquaredError';
  const shared = modelOf({ ...settings, head: isLast ? 'softmax' : head, input: input === 'dense' ? 'embedding' : input });
  const model: ModelConfig = { ...shared, input, ...(isLast && { head: head === 'lastSoftmax' ? { kind: head, classes: outputs } : { kind: head, outputs } }) };
  const objective = objectiveOf(settings);
  const initialization = initializationOf(settings);
  assertLegal({ model, objective, initialization });
  const microshard = modelMicroshard(model, Array.from({ length: batch }, (_, b) => Math.max(1, length - b)), seed);
  const parameters = Float64Array.from(initializeParameters(model, seed, initialization), (value) => value * SPREAD);
  return { model, objective, microshard, seed, parameters };
}

function describe({ compared, largestRelativeError, where, passed }: GradientCheckResult, backendId: string, tolerance: number): string[] {
  return [
    `backend ${backendId}`,
    `compared ${String(compared)} elements with central differences in float64`,
    `largest relative error ${largestRelativeError.toExponential(3)} at ${where}`,
    `${passed ? 'passed' : 'failed'}: tolerance ${tolerance.toExponential(0)}`,
  ];
}
