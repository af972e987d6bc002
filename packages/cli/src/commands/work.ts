import { hostname } from 'node:os';
import { connect } from '@bptt/rpc';
import { runWorker, type WorkerProgress } from '@bptt/worker';
import { parseSettings, threadsOf } from '@bptt/trainer/settings';
import { workSchema, type Flags } from '../command-settings.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { isLaunched, tellParent, watchInterrupts } from '../parent.js';

/** `bptt work --server host:port`: one worker node. */
export async function work({ json = false, ...flags }: Flags & { readonly json?: boolean }): Promise<ExitCode> {
  const { server, threads, backend, device } = parseSettings(workSchema, flags);
  const signal = watchInterrupts();
  const report = json ? printJson : printLine;
  const connection = connect(server, { onWarning: (message) => { report({ event: 'warning', message }); } });
  try {
    const { finished, reason, microshardsDone } = await runWorker({
      connection,
      threads: threadsOf(threads, 1),
      backend,
      device,
      name: `${hostname()}:${String(process.pid)}`,
      signal,
      onEvent: report,
    });
    if (json) printJson({ event: 'done', finished, reason, microshardsDone });
    if (signal.aborted) return EXIT.interrupted;
    if (isLaunched()) await tellParent({ type: 'drained', reason });
    if (finished) return EXIT.done;
    if (!isLaunched()) process.stderr.write(`bptt: the run did not finish: ${reason}\n`);
    return EXIT.failed;
  } finally {
    connection.close();
  }
}

function printJson(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function printLine(event: WorkerProgress): void {
  switch (event.event) {
    case 'joined':
      process.stdout.write(`joined as ${event.workerId}: ${event.backendId} (${event.executes}), threads ${String(event.threads)}, tensors through ${event.exchanges ? 'shared memory' : 'gRPC'}\n`);
      break;
    case 'left':
      process.stdout.write(`left: ${event.reason}\n`);
      break;
    case 'warning':
      process.stderr.write(`bptt: warning: ${event.message}\n`);
      break;
    default:
  }
}
