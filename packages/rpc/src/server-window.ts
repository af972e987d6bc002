import type { Server } from '@grpc/grpc-js';
import type { ServerHttp2Session } from 'node:http2';

// Private members of a grpc-js server, which has no option for its windows. Both steps are needed: the stream's window alone or the
// connection's alone still costs a round trip for every 64 KiB. A test reads the windows back and fails when these members change.
interface Internals {
  commonServerOptions?: { settings?: Record<string, number> };
  http2Servers?: Map<{ on(event: 'session', listener: (session: ServerHttp2Session) => void): void }, unknown>;
}

/**
 * Sets the window of every stream of `server`. To be called before it is bound.
 * @returns false where this version of grpc-js does not let us: transfers are then correct but slow over long distances
 */
export function widenStreams(server: Server, windowBytes: number): boolean {
  const { commonServerOptions } = server as unknown as Internals;
  if (typeof commonServerOptions !== 'object') return false;
  commonServerOptions.settings = { ...commonServerOptions.settings, initialWindowSize: windowBytes };
  return true;
}

/**
 * Sets the window of every connection that `server` accepts from now on. To be called once it is bound.
 * @returns false where this version of grpc-js does not let us
 */
export function widenConnections(server: Server, windowBytes: number): boolean {
  const { http2Servers } = server as unknown as Internals;
  if (!(http2Servers instanceof Map) || http2Servers.size === 0) return false;
  for (const http2Server of http2Servers.keys()) {
    http2Server.on('session', (session) => {
      session.setLocalWindowSize(windowBytes);
    });
  }
  return true;
}
