import { logVerbosity, setLogVerbosity, type Server } from '@grpc/grpc-js';
import { BpttError } from '@bptt/core';
import { WINDOW_BYTES } from './channel-options.js';
import { assertLoopback, formatAddress, serverCredentials } from './credentials.js';
import { widenConnections, widenStreams } from './server-window.js';

// grpc-js would print a line of its own for what is thrown here as an error. Its variable for debugging still works.
if (process.env.GRPC_VERBOSITY === undefined) setLogVerbosity(logVerbosity.NONE);

export interface Listening {
  /** Where clients connect: what was asked for, with the port that was given for port 0. */
  readonly address: string;
  readonly port: number;
  /** Whether the flow-control windows could be widened. */
  readonly widened: boolean;
}

/**
 * Binds `server` to a loopback address and widens its flow-control windows. Services must have been added.
 * @throws BpttError `already-exists` where the port is in use; `permission-denied` for an address that other machines can reach;
 *   `invalid-argument` for what is no address of this machine
 */
export async function listen(server: Server, address: string): Promise<Listening> {
  const { host } = assertLoopback(address);
  const streams = widenStreams(server, WINDOW_BYTES);
  const port = await bind(server, address);
  const connections = widenConnections(server, WINDOW_BYTES);
  return { address: formatAddress({ host, port }), port, widened: streams && connections };
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, serverCredentials(address), (error, port) => {
      if (error === null) resolve(port);
      else reject(bindError(address, error));
    });
  });
}

// grpc-js gives the reasons of all addresses in one text, without codes.
function bindError(address: string, error: Error): BpttError {
  if (error.message.includes('EADDRINUSE')) return new BpttError('already-exists', `listen ${address}: the port is in use`, { cause: error });
  if (error.message.includes('EACCES')) return new BpttError('permission-denied', `listen ${address}: not allowed to use this port`, { cause: error });
  return new BpttError('invalid-argument', `listen ${address}: ${error.message}`, { cause: error });
}
