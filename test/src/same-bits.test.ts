import { OBJECTIVE_DEFAULTS, optimizerConfig } from '@bptt/core';
import { connect, type ServerConnection } from '@bptt/rpc';
import { createBackend, FASTEST_FIRST, runWorker, type BackendChoice } from '@bptt/worker';
import { describe, expect, test } from 'vitest';
import { runConfig, SMALL_MODEL, startTestServer } from './support/cluster.js';

const STEPS = 8;
/** Threads of each worker of one run. */
const NODES: readonly (readonly number[])[] = [[1], [2], [1, 1], [1, 1, 1], [2, 1]];

/** Two layers, dropout and Adam; wide enough that products reach the tiles of the kernels and the BLAS. */
const CONFIG = runConfig({
  model: { ...SMALL_MODEL, cell: 'lstm', hidden: [40, 24] },
  objective: { ...OBJECTIVE_DEFAULTS, dropout: 0.2 },
  optimizer: optimizerConfig('adam'),
  learningRate: 0.01,
  batch: 48,
});

/** The backend of this machine by that name, or why it has none. */
async function find(name: string): Promise<BackendChoice | string> {
  try {
    return await createBackend(name);
  } catch (error) {
    return (error as Error).message;
  }
}

/** The hash after all steps; every worker has joined before the first lease, and has computed some of them. */
async function sha256With(backendId: string, nodes: readonly number[]): Promise<string> {
  const cluster = await startTestServer({ steps: STEPS, config: CONFIG, backendId });
  try {
    const together = gathering(nodes.length);
    const results = await Promise.all(nodes.map(async (threads) => {
      const connection = connect(cluster.address);
      try {
        return await runWorker({ connection: joiningAfter(together, connection), threads, name: 'one of several', signal: new AbortController().signal, onEvent: () => undefined });
      } finally {
        connection.close();
      }
    }));
    for (const { microshardsDone } of results) expect(microshardsDone).toBeGreaterThan(0);
    return (await cluster.server.finished).parametersSha256;
  } finally {
    await cluster.stop();
  }
}

/** Resolves for all once `count` have called it. */
function gathering(count: number): () => Promise<void> {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => { open = resolve; });
  let here = 0;
  return () => {
    here += 1;
    if (here === count) open();
    return opened;
  };
}

function joiningAfter(ready: () => Promise<void>, connection: ServerConnection): ServerConnection {
  return {
    ...connection,
    join: async (request) => {
      await ready();
      return connection.join(request);
    },
  };
}

describe.each(FASTEST_FIRST)('%s', async (name) => {
  const backend = await find(name);
  if (typeof backend === 'string') console.warn(`skipped: ${backend}`);
  test.skipIf(typeof backend === 'string')('ends with the same sha256 for 1 and 2 threads, and for 1, 2 and 3 workers', async () => {
    const { id } = backend as BackendChoice;
    const hashes: string[] = [];
    for (const nodes of NODES) hashes.push(await sha256With(id, nodes));
    expect(new Set(hashes)).toEqual(new Set([hashes[0]]));
  });
});
