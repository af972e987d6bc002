import { createRequire } from 'node:module';
import { join } from 'node:path';
import { serveSteps } from './step-server.js';
import { tensorFlowSteps, type TensorFlow } from './tensorflow-step.js';
import type { Workload } from './workload.js';

/* TensorFlow.js in a process of its own. Arguments: the folder that it is installed in, and the workload as JSON. Speaks as `LineProcess` wants it. */

const [, , folder, workload] = process.argv;

const load = (): TensorFlow => createRequire(join(folder, 'package.json'))('@tensorflow/tfjs') as TensorFlow;
process.exitCode = await serveSteps(() => tensorFlowSteps(load(), JSON.parse(workload) as Workload), { input: process.stdin, output: process.stdout, error: process.stderr });
