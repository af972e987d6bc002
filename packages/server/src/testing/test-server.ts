import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ServerConnection } from '@bptt/rpc';
import { startParameterServer } from '../parameter-server.js';
import type { RunEvent } from '../run-event.js';
import type { ParameterServer, ParameterServerOptions } from '../server-options.js';
import { tinyConfig, tinyData } from './tiny-run.js';

/** How clients of a test reach their server; `gRPC and files`: tensors are exchanged through memory. */
export type Transport = 'in-process' | 'gRPC' | 'gRPC and files';

/** A server of a tiny run, for tests. */
export interface TestServer {
  readonly server: ParameterServer;
  readonly config: ParameterServerOptions['config'];
  readonly runDirectory: string;
  readonly events: readonly RunEvent[];
  /** Another connection; closed with the server. */
  readonly connect: () => ServerConnection;
  /** The first event of this kind, now or later. */
  readonly event: <K extends RunEvent['event']>(kind: K) => Promise<Extract<RunEvent, { event: K }>>;
  readonly close: () => Promise<void>;
}

export type TestServerOptions = Partial<Omit<ParameterServerOptions, 'onEvent'>> & { readonly transport?: Transport };

/**
 * Starts a server of `tinyConfig()` for 4 steps in a temporary folder, which is removed on `close` unless it was given. Memory that a push gives back
 * is spoilt, so that whoever still reads it breaks the run.
 */
export async function startTestServer({ transport = 'in-process', ...options }: TestServerOptions = {}): Promise<TestServer> {
  const config = options.config ?? tinyConfig();
  const temporary = options.runDirectory === undefined ? mkdtempSync(join(tmpdir(), 'bptt-server-')) : undefined;
  const runDirectory = options.runDirectory ?? join(temporary ?? '', 'run');
  const events: RunEvent[] = [];
  const waiting = new Set<() => void>();
  const onEvent = (event: RunEvent): void => {
    events.push(event);
    for (const look of waiting) look();
  };
  const server = await startParameterServer({
    data: tinyData(config), vocabularyJson: ['a', 'b'], backendId: 'reference/1', stepsTotal: 4, payloadChecks: { poisoned: true }, ...options, config, runDirectory, onEvent,
  });
  const address = transport !== 'in-process' ? `127.0.0.1:${String((await server.listen('127.0.0.1:0')).port)}` : undefined;
  const connections: ServerConnection[] = [];
  return {
    server,
    config,
    runDirectory,
    events,
    connect: () => {
      const connection = address === undefined ? server.connect() : connect(address, { exchanges: transport === 'gRPC and files' });
      connections.push(connection);
      return connection;
    },
    event: <K extends RunEvent['event']>(kind: K) => new Promise<Extract<RunEvent, { event: K }>>((resolve) => {
      const look = (): void => {
        const found = events.find((event): event is Extract<RunEvent, { event: K }> => event.event === kind);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    }),
    close: async () => {
      for (const connection of connections) connection.close();
      await server.close();
      if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
    },
  };
}
