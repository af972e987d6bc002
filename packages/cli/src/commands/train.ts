import { workHere } from '@bptt/trainer';
import { threadsOf } from '@bptt/trainer/settings';
import type { TrainingRequest } from '../command-settings.js';
import type { ExitCode } from '../exit-codes.js';
import { watchInterrupts } from '../parent.js';
import { runTraining } from './training.js';

/** `bptt train <corpus>`: server and worker in this process. */
export function train(corpus: string, request: TrainingRequest): Promise<ExitCode> {
  return runTraining({
    corpus,
    request,
    signal: watchInterrupts(),
    serve: ({ server, reporter }) => workHere(server, {
      threads: threadsOf(request.settings.threads, 1),
      onWarning: (message) => { reporter.event({ event: 'warning', message }); },
      onJoined: ({ executes, threads }) => {
        if (request.json) process.stdout.write(`${JSON.stringify({ event: 'computes', executes, threads })}\n`);
        reporter.note(`computes with ${executes}, threads ${String(threads)}`);
      },
    }),
  });
}
