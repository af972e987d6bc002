import { Server, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { SERVER_OPTIONS } from '../channel-options.js';
import type { AdminHandlers } from '../gen/bptt/v1/Admin.js';
import type { ParameterServerHandlers } from '../gen/bptt/v1/ParameterServer.js';
import type { HealthHandlers } from '../gen/grpc/health/v1/Health.js';
import { listen } from '../listen.js';
import { services } from '../proto.js';

/** Calls that a test answers itself. The others are UNIMPLEMENTED. */
export interface LoopbackHandlers {
  readonly parameterServer?: Partial<ParameterServerHandlers>;
  readonly admin?: Partial<AdminHandlers>;
  readonly health?: Partial<HealthHandlers>;
}

/** A real gRPC server on a free port, for tests. */
export interface LoopbackServer {
  readonly address: string;
  readonly server: Server;
  /** Ends all calls at once. */
  close(): void;
}

/** Starts a server that answers with `handlers`, on a free port unless an address is given. */
export async function startLoopbackServer(handlers: LoopbackHandlers, at = '127.0.0.1:0'): Promise<LoopbackServer> {
  const server = new Server(SERVER_OPTIONS);
  server.addService(services.parameterServer, untyped(handlers.parameterServer));
  server.addService(services.admin, untyped(handlers.admin));
  server.addService(services.health, untyped(handlers.health));
  const { address } = await listen(server, at);
  return {
    address,
    server,
    close: () => {
      server.forceShutdown();
    },
  };
}

// The type of an implementation cannot say that a method may be missing; grpc-js answers for those.
function untyped(handlers: object | undefined): UntypedServiceImplementation {
  return { ...handlers };
}
