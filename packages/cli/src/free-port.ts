import { createServer } from 'node:net';
import { BpttError } from '@bptt/core';
import { assertLoopback } from '@bptt/rpc';

/**
 * Checks that a server may listen at `address` and that nobody else does: before a run folder is made.
 * @throws BpttError `invalid-argument`, `permission-denied` or `already-exists`
 */
export async function assertPortFree(address: string): Promise<void> {
  const { host, port } = assertLoopback(address);
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (cause: NodeJS.ErrnoException) => {
      const used = cause.code === 'EADDRINUSE';
      reject(new BpttError(used ? 'already-exists' : 'invalid-argument', `listen: expected a free port, got ${address} (${used ? 'the port is in use' : cause.message})`, { cause }));
    });
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => { resolve(); }));
  });
}
