import { Server } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { listen } from './listen.js';

test('a server on port 0 says which port it got, and that its windows are wide', async () => {
  const server = new Server();
  const { address, port, widened } = await listen(server, '127.0.0.1:0');
  expect(port).toBeGreaterThan(0);
  expect(address).toBe(`127.0.0.1:${String(port)}`);
  expect(widened).toBe(true);
  server.forceShutdown();
});

test('a port in use is refused in one line', async () => {
  const first = new Server();
  const second = new Server();
  const { address } = await listen(first, '127.0.0.1:0');
  await expect(listen(second, address)).rejects.toMatchObject({ code: 'already-exists', message: `listen ${address}: the port is in use` });
  first.forceShutdown();
  second.forceShutdown();
});

test('an address that other machines reach is refused before anything is bound', async () => {
  const server = new Server();
  await expect(listen(server, '0.0.0.0:0')).rejects.toMatchObject({ code: 'permission-denied' });
  server.forceShutdown();
});
