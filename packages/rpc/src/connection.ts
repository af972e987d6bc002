import { BLOB_BYTES_MAX } from './blob-assembler.js';
import { Channel } from './channel.js';
import { ControlStream } from './control-stream.js';
import type { DeadlinesMs } from './deadlines.js';
import { pullParameters } from './pull.js';
import { pushGradient, type AfterChunk } from './push.js';
import type { ServerConnection } from './server-connection.js';

export interface ConnectOptions {
  /** Deadlines that differ from `DEADLINES_MS`. */
  readonly deadlinesMs?: Partial<DeadlinesMs>;
  /** Largest parameter blob that is accepted. Default `BLOB_BYTES_MAX`. */
  readonly parameterBytesMax?: number;
  /** Called after each chunk of a push. Lets a test stop a worker between its first chunk and its commit. */
  readonly afterChunk?: AfterChunk;
}

/**
 * A parameter server reached through gRPC. Does not wait for the server: the first call connects, and fails with `unavailable` where
 * nobody listens. No call is repeated here.
 * @param address `host:port` on the loopback
 * @throws BpttError `invalid-argument` for no address; `permission-denied` for one that other machines can reach
 */
export function connect(address: string, options: ConnectOptions = {}): ServerConnection {
  const { deadlinesMs, parameterBytesMax = BLOB_BYTES_MAX, afterChunk } = options;
  const channel = new Channel(address, deadlinesMs);
  const { parameterServer, admin } = channel;
  return {
    getInfo: () => channel.answer('getInfo', (call, done) => parameterServer.getInfo({}, call, done)),
    join: (request) => channel.answer('join', (call, done) => parameterServer.join(request, call, done)),
    control: (worker) => new ControlStream(channel, worker),
    pullParameters: (runId, version, into) => pullParameters(channel, { runId, version, bytesMax: parameterBytesMax, into }),
    pushGradient: (header, payload) => pushGradient(channel, { header, payload, afterChunk }),
    leave: async ({ workerId, generation }) => {
      await channel.answer('leave', (call, done) => parameterServer.leave({ workerId, generation }, call, done));
    },
    getStatus: () => channel.answer('getStatus', (call, done) => admin.getStatus({}, call, done)),
    close: () => {
      channel.close();
    },
  };
}
