import { connect } from '@bptt/rpc';
import { runWorker } from '@bptt/worker';
import { LeaseClock } from './timed-connection.js';

/*
 * The worker node of `bptt work`, with a clock on its connection. Arguments: the address of the server and the number of threads. Prints a JSON line for
 * each lease that it has served.
 */

const [, , address, threads] = process.argv;
const connection = connect(address);
const leave = new AbortController();
process.once('SIGINT', () => { leave.abort(); });
const clock = new LeaseClock(connection, (parts) => {
  process.stdout.write(`${JSON.stringify({ event: 'lease', ...parts })}\n`);
});
try {
  await runWorker({
    connection: clock.connection, threads: Number(threads), name: `benchmark:${String(process.pid)}`, signal: leave.signal,
    onEvent: ({ event }) => {
      if (event === 'lease') clock.begin();
    },
  });
} finally {
  connection.close();
}
