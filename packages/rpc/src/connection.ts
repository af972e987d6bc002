import { BLOB_BYTES_MAX } from './blob-assembler.js';
import { Channel } from './channel.js';
import { ControlStream } from './control-stream.js';
import type { DeadlinesMs } from './deadlines.js';
import { Exchange, exchangeFault } from './exchange.js';
import type { JoinReply__Output } from './gen/bptt/v1/JoinReply.js';
import { pullParameters } from './pull.js';
import { pushGradient, type AfterChunk } from './push.js';
import type { ServerConnection } from './server-connection.js';

export interface ConnectOptions {
  /** Deadlines that differ from `DEADLINES_MS`. */
  readonly deadlinesMs?: Partial<DeadlinesMs>;
  /** Largest parameter blob that is accepted. Default `BLOB_BYTES_MAX`. */
  readonly parameterBytesMax?: number;
  /** Whether tensors go through files in memory where the server is on this machine and offers that. Default true. */
  readonly exchanges?: boolean;
  /** Called where something works, but not as it should. Must not throw. */
  readonly onWarning?: (message: string) => void;
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
  const { deadlinesMs, parameterBytesMax = BLOB_BYTES_MAX, exchanges = true, onWarning = () => undefined, afterChunk } = options;
  const channel = new Channel(address, deadlinesMs);
  const { parameterServer, admin } = channel;
  let exchange: Exchange | undefined;

  function endExchange(): void {
    exchange?.close();
    exchange = undefined;
  }

  /** By the exchange, where there is one; where it fails, it is given up. */
  async function exchanged<T>(by: (open: Exchange) => Promise<T>, streamed: () => Promise<T>): Promise<T> {
    if (exchange === undefined) return streamed();
    try {
      return await by(exchange);
    } catch (error) {
      const fault = exchangeFault(error);
      if (fault === undefined) throw error;
      endExchange();
      onWarning(`no exchange through memory any more, tensors go through gRPC: ${fault}`);
      return streamed();
    }
  }

  return {
    getInfo: () => channel.answer('getInfo', (call, done) => parameterServer.getInfo({}, call, done)),
    join: async (request) => {
      const reply = await channel.answer<JoinReply__Output>('join', (call, done) => parameterServer.join(request, call, done));
      endExchange();
      if (exchanges && reply.exchange !== null) exchange = Exchange.open(channel, reply.exchange);
      return exchange === undefined ? { ...reply, exchange: null } : reply;
    },
    control: (worker) => new ControlStream(channel, worker),
    pullParameters: (runId, version, into) => exchanged(
      (open) => open.pull(runId, version, parameterBytesMax, into),
      () => pullParameters(channel, { runId, version, bytesMax: parameterBytesMax, into }),
    ),
    pushGradient: (header, payload) => {
      const streamed = (): ReturnType<typeof pushGradient> => pushGradient(channel, { header, payload, afterChunk });
      return payload.byteLength === 0 ? streamed() : exchanged((open) => open.push(header, payload), streamed);
    },
    leave: async ({ workerId, generation }) => {
      await channel.answer('leave', (call, done) => parameterServer.leave({ workerId, generation }, call, done));
    },
    getStatus: () => channel.answer('getStatus', (call, done) => admin.getStatus({}, call, done)),
    close: () => {
      endExchange();
      channel.close();
    },
  };
}
